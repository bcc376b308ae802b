/* What the io_uring(7) programs share: one ring, its entries and completions. */
#ifndef RING_H
#define RING_H
#include "check.h"
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

static int ring;
static struct io_uring_params params;
static char *sq, *cq;
static struct io_uring_sqe *sqes;
static unsigned tail;

static unsigned *at(char *base, unsigned offset) { return (unsigned *)(base + offset); }

static void make(unsigned entries, unsigned flags) {
  memset(&params, 0, sizeof params);
  params.flags = flags;
  ring = syscall(SYS_io_uring_setup, entries, &params);
  printf("ring %d: %u %u\n", ring >= 0, params.sq_entries, params.cq_entries);
  size_t size = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
  size_t other = params.sq_off.array + params.sq_entries * 4;
  sq = mmap(NULL, other > size ? other : size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
  cq = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
  sqes = mmap(NULL, params.sq_entries * 64, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
  printf("mapped %d %d %d, one memory %d\n", sq != MAP_FAILED, cq != MAP_FAILED, sqes != MAP_FAILED, (params.features & IORING_FEAT_SINGLE_MMAP) != 0);
  tail = 0;
}

static struct io_uring_sqe *next(int opcode, int fd, const void *addr, unsigned len, uint64_t off, uint64_t data) {
  unsigned mask = *at(sq, params.sq_off.ring_mask), index = tail++ & mask;
  struct io_uring_sqe *sqe = &sqes[index];
  *sqe = (struct io_uring_sqe){.opcode = opcode, .fd = fd, .addr = (uintptr_t)addr, .len = len, .off = off, .user_data = data};
  at(sq, params.sq_off.array)[index] = index;
  __atomic_store_n(at(sq, params.sq_off.tail), tail, __ATOMIC_RELEASE);
  return sqe;
}

static int enter(unsigned submit, unsigned wait) {
  int n = syscall(SYS_io_uring_enter, ring, submit, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
  return n < 0 ? -errno : n;
}

static const char *named(int result) {
  static char text[32];
  if (result < 0) return error_name(-result);
  snprintf(text, sizeof text, "%d", result);
  return text;
}

/* All completions there are, by user data. */
static void reap(const char *what) {
  struct io_uring_cqe found[32];
  int count = 0;
  unsigned *head = at(cq, params.cq_off.head), mask = *at(cq, params.cq_off.ring_mask);
  struct io_uring_cqe *cqes = (void *)(cq + params.cq_off.cqes);
  while (*head != __atomic_load_n(at(cq, params.cq_off.tail), __ATOMIC_ACQUIRE) && count < 32) {
    found[count++] = cqes[*head & mask];
    __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
  }
  for (int i = 1; i < count; i++)
    for (int j = i; j > 0 && found[j].user_data < found[j - 1].user_data; j--) {
      struct io_uring_cqe swap = found[j];
      found[j] = found[j - 1];
      found[j - 1] = swap;
    }
  printf("%s:", what);
  for (int i = 0; i < count; i++) printf(" [%d %s%s]", (int)found[i].user_data, named(found[i].res), found[i].flags & IORING_CQE_F_MORE ? " more" : "");
  printf("\n");
}

/* The next request alone. */
static void alone(const char *what) {
  enter(1, 1);
  reap(what);
}

#endif
