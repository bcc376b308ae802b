import { stayOn } from "../../native/ffi/cpu-unsafe.ts";
import { place } from "../protocol/messages.ts";
import { handle } from "./handler.ts";

/** Best effort: a CPU outside the gofer's cpuset changes nothing. */
export const onPlace = handle(place, (_server, cpu) => {
  stayOn(cpu);
  return [0];
});
