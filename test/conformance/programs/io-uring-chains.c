/* io_uring(7): timeouts, chains of requests, completions that find no room. */
#include "../ring.h"

static void timeouts(void) {
  struct __kernel_timespec soon = {0, 20000000}, late = {100, 0}, bad = {0, -1};
  long before = now_ms();
  next(IORING_OP_TIMEOUT, -1, &soon, 1, 0, 1);
  enter(1, 1);
  IS(now_ms() - before >= 19);
  reap("timeout");
  next(IORING_OP_TIMEOUT, -1, &late, 1, 2, 2);
  next(IORING_OP_NOP, -1, NULL, 0, 0, 3);
  next(IORING_OP_NOP, -1, NULL, 0, 0, 4);
  enter(3, 3);
  reap("by count");
  next(IORING_OP_TIMEOUT, -1, &late, 1, 0, 5);
  enter(1, 0);
  next(IORING_OP_TIMEOUT_REMOVE, -1, (void *)5, 0, 0, 6);
  next(IORING_OP_TIMEOUT_REMOVE, -1, (void *)77, 0, 0, 7);
  enter(2, 3);
  reap("removed");
  next(IORING_OP_TIMEOUT, -1, &bad, 1, 0, 8);
  alone("nanoseconds");
  next(IORING_OP_TIMEOUT, -1, &soon, 2, 0, 9);
  alone("two timespecs");
  next(IORING_OP_TIMEOUT, -1, (void *)8, 1, 0, 10);
  alone("no timespec");
  /* In io_uring_enter's own argument. */
  struct io_uring_getevents_arg arg = {.ts = (uintptr_t)&soon};
  T(syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof arg));
  T(syscall(SYS_io_uring_enter, ring, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, 8));
}

static void chains(void) {
  static char text[20];
  struct __kernel_timespec soon = {0, 20000000};
  int ends[2], fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
  pipe(ends);
  next(IORING_OP_WRITE, fd, "chain", 5, 0, 1)->flags = IOSQE_IO_LINK;
  next(IORING_OP_READ, fd, text, 5, 0, 2)->flags = IOSQE_IO_LINK;
  next(IORING_OP_WRITE, ends[1], text, 5, 0, 3);
  enter(3, 3);
  reap("chain");
  read(ends[0], text + 10, 5);
  printf("%.5s\n", text + 10);
  next(IORING_OP_READ, fd, text, 100, 0, 4)->flags = IOSQE_IO_LINK;
  next(IORING_OP_NOP, -1, NULL, 0, 0, 5)->flags = IOSQE_IO_LINK;
  next(IORING_OP_NOP, -1, NULL, 0, 0, 6);
  enter(3, 3);
  reap("broken by a short read");
  next(IORING_OP_READ, -1, text, 100, 0, 7)->flags = IOSQE_IO_HARDLINK;
  next(IORING_OP_NOP, -1, NULL, 0, 0, 8);
  enter(2, 2);
  reap("hard link");
  next(IORING_OP_READ, ends[0], text, 5, 0, 9)->flags = IOSQE_IO_LINK;
  next(IORING_OP_LINK_TIMEOUT, -1, &soon, 1, 0, 10);
  enter(2, 2);
  reap("linked timeout");
  next(IORING_OP_READ, ends[0], text, 1, 0, 11);
  enter(1, 0);
  next(IORING_OP_NOP, -1, NULL, 0, 0, 12)->flags = IOSQE_IO_DRAIN;
  next(IORING_OP_NOP, -1, NULL, 0, 0, 13);
  enter(2, 0);
  reap("drain waits");
  write(ends[1], "x", 1);
  enter(0, 3);
  reap("drained");
  next(IORING_OP_NOP, -1, NULL, 0, 0, 14)->flags = IOSQE_CQE_SKIP_SUCCESS;
  next(IORING_OP_NOP, -1, NULL, 0, 0, 15);
  enter(2, 1);
  reap("skipped");
  close(fd);
  close(ends[0]);
  close(ends[1]);
}

static void overflow(void) {
  make(4, 0);
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 4; i++) next(IORING_OP_NOP, -1, NULL, 0, 0, round * 4 + i);
    printf("submitted %d\n", enter(4, 0));
  }
  IS((*at(sq, params.sq_off.flags) & IORING_SQ_CQ_OVERFLOW) != 0);
  struct pollfd one = {ring, POLLIN | POLLOUT, 0};
  T(poll(&one, 1, 0));
  printf("ready %x\n", one.revents);
  reap("at first");
  enter(0, 1);
  reap("the rest");
  IS((*at(sq, params.sq_off.flags) & IORING_SQ_CQ_OVERFLOW) != 0);
}

/** A chain as long as the ring, and one that breaks at once. */
static void long_chains(void) {
  make(4096, 0);
  for (int broken = 0; broken < 2; broken++) {
    for (int i = 0; i < 4096; i++) next(broken && i == 0 ? IORING_OP_CLOSE : IORING_OP_NOP, -1, NULL, 0, 0, i)->flags = i < 4095 ? IOSQE_IO_LINK : 0;
    printf("submitted %d\n", enter(4096, 0));
    unsigned canceled = 0, done = 0, *head = at(cq, params.cq_off.head);
    struct io_uring_cqe *cqes = (void *)at(cq, params.cq_off.cqes);
    for (; *head != *at(cq, params.cq_off.tail); ++*head) {
      canceled += cqes[*head & (params.cq_entries - 1)].res == -ECANCELED;
      done += cqes[*head & (params.cq_entries - 1)].res == 0;
    }
    printf("canceled %d, done %d\n", canceled, done);
  }
  next(IORING_OP_CLOSE, ring, NULL, 0, 0, 1);
  enter(1, 1);
  reap("closes itself");
}

int main(void) {
  make(8, 0);
  timeouts();
  chains();
  overflow();
  long_chains();
  return 0;
}
