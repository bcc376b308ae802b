/** struct termios bits: termios(3), in asm-generic/termbits.h's values. */
import { enumeration, flagSet } from "./flag-set.ts";

export const IGNBRK = 0o1;
export const BRKINT = 0o2;
export const IGNPAR = 0o4;
export const PARMRK = 0o10;
export const INPCK = 0o20;
export const ISTRIP = 0o40;
export const INLCR = 0o100;
export const IGNCR = 0o200;
export const ICRNL = 0o400;
export const IUCLC = 0o1000;
export const IXON = 0o2000;
export const IXANY = 0o4000;
export const IXOFF = 0o10000;
export const IMAXBEL = 0o20000;
export const IUTF8 = 0o40000;
export const termiosIflagFlags = flagSet("ignored", {
  IGNBRK,
  BRKINT,
  IGNPAR,
  PARMRK,
  INPCK,
  ISTRIP,
  INLCR,
  IGNCR,
  ICRNL,
  IUCLC,
  IXON,
  IXANY,
  IXOFF,
  IMAXBEL,
  IUTF8,
});

export const OPOST = 0o1;
export const OLCUC = 0o2;
export const ONLCR = 0o4;
export const OCRNL = 0o10;
export const ONOCR = 0o20;
export const ONLRET = 0o40;
export const OFILL = 0o100;
export const OFDEL = 0o200;
export const termiosOflagFlags = flagSet("ignored", { OPOST, OLCUC, ONLCR, OCRNL, ONOCR, ONLRET, OFILL, OFDEL });

export const CS8 = 0o60;
export const CSTOPB = 0o100;
export const CREAD = 0o200;
export const PARENB = 0o400;
export const PARODD = 0o1000;
export const HUPCL = 0o2000;
export const CLOCAL = 0o4000;
export const CRTSCTS = 0o20000000000;
export const termiosCflagFlags = flagSet("ignored", { CS8, CSTOPB, CREAD, PARENB, PARODD, HUPCL, CLOCAL, CRTSCTS });

export const ISIG = 0o1;
export const ICANON = 0o2;
export const XCASE = 0o4;
export const ECHO = 0o10;
export const ECHOE = 0o20;
export const ECHOK = 0o40;
export const ECHONL = 0o100;
export const NOFLSH = 0o200;
export const TOSTOP = 0o400;
export const ECHOCTL = 0o1000;
export const ECHOPRT = 0o2000;
export const ECHOKE = 0o4000;
export const FLUSHO = 0o10000;
export const PENDIN = 0o40000;
export const IEXTEN = 0o100000;
export const EXTPROC = 0o200000;
export const termiosLflagFlags = flagSet("ignored", {
  ISIG,
  ICANON,
  XCASE,
  ECHO,
  ECHOE,
  ECHOK,
  ECHONL,
  NOFLSH,
  TOSTOP,
  ECHOCTL,
  ECHOPRT,
  ECHOKE,
  FLUSHO,
  PENDIN,
  IEXTEN,
  EXTPROC,
});

export const VINTR = 0;
export const VQUIT = 1;
export const VERASE = 2;
export const VKILL = 3;
export const VEOF = 4;
export const VTIME = 5;
export const VMIN = 6;
export const VSWTC = 7;
export const VSTART = 8;
export const VSTOP = 9;
export const VSUSP = 10;
export const VEOL = 11;
export const VREPRINT = 12;
export const VDISCARD = 13;
export const VWERASE = 14;
export const VLNEXT = 15;
export const VEOL2 = 16;
export const termiosCcNames = enumeration({
  VINTR,
  VQUIT,
  VERASE,
  VKILL,
  VEOF,
  VTIME,
  VMIN,
  VSWTC,
  VSTART,
  VSTOP,
  VSUSP,
  VEOL,
  VREPRINT,
  VDISCARD,
  VWERASE,
  VLNEXT,
  VEOL2,
});
