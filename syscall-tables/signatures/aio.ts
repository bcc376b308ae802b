/** Asynchronous I/O: the old interface and io_uring. */
import { addr, choice, fd, flags, inArray, inOutStruct, inStruct, long, outArray, sig, sigReturning, size, uint, ulong } from "../kinds.ts";

export const aio = {
  io_setup: sig(uint("nr_events"), inOutStruct("ctxp", "ulong", 8)),
  io_destroy: sig(ulong("ctx")),
  io_submit: sig(ulong("ctx_id"), long("nr"), inArray("iocbpp", "ulong", 8, "nr")),
  io_cancel: sig(ulong("ctx_id"), inStruct("iocb", "iocb", 64), addr("result")),
  io_getevents: sig(
    ulong("ctx_id"),
    long("min_nr"),
    long("nr"),
    outArray("events", "io_event", 32, "nr"),
    inStruct("timeout", "timespec", 16),
  ),
  io_pgetevents: sig(
    ulong("ctx_id"),
    long("min_nr"),
    long("nr"),
    outArray("events", "io_event", 32, "nr"),
    inStruct("timeout", "timespec", 16),
    inStruct("sig", "sigset_argpack", 16),
  ),
  io_uring_setup: sigReturning("fd", uint("entries"), inOutStruct("params", "io_uring_params", 120)),
  io_uring_enter: sig(fd("fd"), uint("to_submit"), uint("min_complete"), flags("flags", "io_uring_enter"), addr("argp"), size("argsz")),
  io_uring_register: sig(fd("fd"), choice("opcode", "io_uring_register"), addr("arg"), uint("nr_args")),
} as const;
