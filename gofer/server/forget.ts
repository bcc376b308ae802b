import { forget } from "../protocol/messages.ts";
import { handle } from "./handler.ts";

export const onForget = handle(forget, (server, ids) => {
  for (const id of ids) server.nodes.forget(id);
  return [0];
});
