/** select, poll, epoll. */
import { choice, fd, fdSet, flags, inOutArray, inOutStruct, inStruct, int, outArray, sig, sigReturning, size, uint } from "../kinds.ts";

export const poll = {
  select: sig(
    int("nfds"),
    fdSet("readfds", "nfds"),
    fdSet("writefds", "nfds"),
    fdSet("exceptfds", "nfds"),
    inOutStruct("timeout", "timeval", 16),
  ),
  pselect6: sig(
    int("nfds"),
    fdSet("readfds", "nfds"),
    fdSet("writefds", "nfds"),
    fdSet("exceptfds", "nfds"),
    inOutStruct("timeout", "timespec", 16),
    inStruct("sig", "sigset_argpack", 16),
  ),
  poll: sig(inOutArray("ufds", "pollfd", 8, "nfds"), uint("nfds"), int("timeout_msecs")),
  ppoll: sig(
    inOutArray("ufds", "pollfd", 8, "nfds"),
    uint("nfds"),
    inOutStruct("tsp", "timespec", 16),
    inStruct("sigmask", "sigset", 8),
    size("sigsetsize"),
  ),
  epoll_create: sigReturning("fd", int("size")),
  epoll_create1: sigReturning("fd", flags("flags", "epoll_create")),
  epoll_ctl: sig(fd("epfd"), choice("op", "epoll_ctl"), fd("fd"), inStruct("event", "epoll_event", 12)),
  epoll_wait: sig(fd("epfd"), outArray("events", "epoll_event", 12, "maxevents"), int("maxevents"), int("timeout")),
  epoll_pwait: sig(
    fd("epfd"),
    outArray("events", "epoll_event", 12, "maxevents"),
    int("maxevents"),
    int("timeout"),
    inStruct("sigmask", "sigset", 8),
    size("sigsetsize"),
  ),
  epoll_pwait2: sig(
    fd("epfd"),
    outArray("events", "epoll_event", 12, "maxevents"),
    int("maxevents"),
    inStruct("timeout", "timespec", 16),
    inStruct("sigmask", "sigset", 8),
    size("sigsetsize"),
  ),
  // Kept so that their numbers print; no kernel since 2.6 answers them on x86-64.
  epoll_ctl_old: sig(),
  epoll_wait_old: sig(),
} as const;
