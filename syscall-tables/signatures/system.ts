/** The machine as a whole: names, logs, random numbers, reboot. */
import { addr, choice, flags, inBytes, int, outBytes, outStruct, sig, sigReturning, size, uint } from "../kinds.ts";

export const system = {
  uname: sig(outStruct("name", "utsname", 390)),
  sethostname: sig(inBytes("name", "len"), int("len")),
  setdomainname: sig(inBytes("name", "len"), int("len")),
  sysinfo: sig(outStruct("info", "sysinfo", 112)),
  syslog: sigReturning("size", choice("type", "syslog"), outBytes("buf", "len"), int("len")),
  getrandom: sigReturning("size", outBytes("ubuf", "len"), size("len"), flags("flags", "getrandom")),
  reboot: sig(uint("magic1"), uint("magic2"), flags("cmd", "reboot"), addr("arg")),
  iopl: sig(uint("level")),
  ioperm: sig(size("from"), size("num"), int("turn_on")),
  _sysctl: sig(addr("args")),
} as const;
