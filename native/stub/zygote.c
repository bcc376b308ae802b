/*
 * From a libc program to the first guest process. Runs before any guest code exists, with
 * this file's text still mapped; stub_zygote_start (thread.c) then unmaps it.
 */
#define _GNU_SOURCE
#include "zygote.h"

#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stub.h"

extern const unsigned char stub_blob[], stub_blob_end[];

enum { HEADER_SIGSYS, HEADER_INTERRUPT, HEADER_FAULT, HEADER_RESTORER, HEADER_ZYGOTE_START, HEADER_PATCHED_ENTRY };

/* What the sentry sends first: the filter stands in the slot region's data area already. */
struct setup_message {
  u64 filter_length;
};

__attribute__((noreturn)) static void fail(const char *what) {
  fprintf(stderr, "moat: zygote: %s: %s\n", what, strerror(errno));
  _exit(126);
}

static void map_at(u64 addr, u64 length, int prot, int flags, int fd) {
  if (mmap((void *)addr, length, prot, flags | MAP_FIXED, fd, 0) == MAP_FAILED) fail("mmap");
}

static void receive_setup(int control_fd, struct setup_message *message, int fds[3]) {
  char control[CMSG_SPACE(3 * sizeof(int))];
  struct iovec vector = {message, sizeof *message};
  struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  ssize_t got;
  do got = recvmsg(control_fd, &header, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got == 0) _exit(0);
  struct cmsghdr *part = got > 0 ? CMSG_FIRSTHDR(&header) : NULL;
  if (got != sizeof *message || !part || part->cmsg_len != CMSG_LEN(3 * sizeof(int))) fail("set-up message");
  memcpy(fds, CMSG_DATA(part), 3 * sizeof(int));
}

/* [vvar], [vvar_vclock] and [vdso]: neighbours, found before /proc goes away. */
static struct { u64 start, end; } vdso_parts[4];
static unsigned vdso_part_count;

void zygote_prepare(void) {
  FILE *maps = fopen("/proc/self/maps", "re");
  char line[512];
  if (!maps) fail("/proc/self/maps");
  while (fgets(line, sizeof line, maps)) {
    u64 start, end;
    if (!strstr(line, "[vvar") && !strstr(line, "[vdso]")) continue;
    if (sscanf(line, "%lx-%lx", &start, &end) != 2 || vdso_part_count == 4) continue;
    vdso_parts[vdso_part_count].start = start;
    vdso_parts[vdso_part_count++].end = end;
  }
  fclose(maps);
}

/* The host puts the vDSO anywhere; guests find it at one place. Nothing here may call into it afterwards. */
static void move_vdso(struct zygote_setup *setup) {
  u64 ehdr = getauxval(AT_SYSINFO_EHDR);
  if (!vdso_part_count) zygote_prepare();
  if (!vdso_part_count) return;
  u64 shift = STUB_VDSO - vdso_parts[0].start;
  for (unsigned i = 0; i < vdso_part_count; i++) {
    u64 start = vdso_parts[i].start, length = vdso_parts[i].end - start;
    if (syscall(SYS_mremap, start, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, start + shift) < 0) fail("mremap of the vDSO");
  }
  setup->vdso_ehdr = setup->vdso_start = ehdr + shift;
  setup->vdso_end = vdso_parts[vdso_part_count - 1].end + shift;
  setup->vvar_start = STUB_VDSO;
}

static void set_handler(int signal, u64 handler, u64 restorer, u64 flags) {
  struct { u64 handler, flags, restorer, mask; } action = {
      handler, flags | SA_SIGINFO | SA_ONSTACK | 0x04000000 /* SA_RESTORER */, restorer, 1ul << (INTERRUPT_SIGNAL - 1)};
  if (syscall(SYS_rt_sigaction, signal, &action, NULL, 8)) fail("rt_sigaction");
}

/* libc's restartable-sequence area goes away with its memory; the kernel must not write to it any more. */
static void leave_rseq(void) {
  if (__rseq_size) syscall(SYS_rseq, (char *)__builtin_thread_pointer() + __rseq_offset, 32, 1, 0x53053053);
}

/* Keeps the control socket, and the doorbell at its number. */
static void only_fds(int control, int doorbell) {
  if (control == DOORBELL_FD || (doorbell != DOORBELL_FD && dup2(doorbell, DOORBELL_FD) < 0)) fail("doorbell");
  int low = control < DOORBELL_FD ? control : DOORBELL_FD;
  int high = control < DOORBELL_FD ? DOORBELL_FD : control;
  if (low > 0) syscall(SYS_close_range, 0, low - 1, 0);
  if (high > low + 1) syscall(SYS_close_range, low + 1, high - 1, 0);
  syscall(SYS_close_range, high + 1, ~0u, 0);
}

void zygote_main(int control_fd) {
  struct setup_message message;
  int fds[3];
  setsid();
  receive_setup(control_fd, &message, fds);
  map_at(STUB_SLOTS, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fds[2]);
  map_at(STUB_GLOBAL, 4096, PROT_READ, MAP_SHARED, fds[1]);
  map_at(STUB_BASE, STUB_TEXT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  map_at(STUB_DATA, STUB_DATA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  map_at(STUB_THREADS, 0xa000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  if (madvise((void *)STUB_SLOTS, REGION_SIZE, MADV_DONTFORK)) fail("madvise");
  memcpy((void *)STUB_BASE, stub_blob, (size_t)(stub_blob_end - stub_blob));
  if (mprotect((void *)STUB_BASE, STUB_TEXT_SIZE, PROT_READ | PROT_EXEC)) fail("mprotect");

  const u64 *header = (const u64 *)STUB_BASE;
  struct slot *slot = (struct slot *)STUB_SLOTS;
  struct zygote_setup *setup = (struct zygote_setup *)(slot->data + ZYGOTE_SETUP);
  unsigned eax, size, ecx, edx;
  __cpuid_count(0xd, 0, eax, size, ecx, edx);
  setup->filter_length = message.filter_length;
  setup->hwcap = getauxval(AT_HWCAP);
  setup->hwcap2 = getauxval(AT_HWCAP2);
  setup->min_signal_stack = getauxval(AT_MINSIGSTKSZ);
  setup->xsave_size = size;
  setup->patched_entry = header[HEADER_PATCHED_ENTRY];
  setup->range_count = 2;
  setup->ranges[0][0] = 0x10000;
  setup->ranges[0][1] = STUB_BASE;
  setup->ranges[1][0] = STUB_END;
  setup->ranges[1][1] = 0x7ffffffff000;
  DATA->control_fd = control_fd;
  DATA->xsave_size = size;

  struct thread *thread = (struct thread *)STUB_THREADS;
  thread->self = STUB_THREADS;
  thread->stack_top = STUB_THREADS + 0x2000;
  thread->slot = thread->bed = slot;
  slot->tid = (u32)syscall(SYS_gettid);

  const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  set_handler(SIGSYS, header[HEADER_SIGSYS], header[HEADER_RESTORER], 0);
  set_handler(INTERRUPT_SIGNAL, header[HEADER_INTERRUPT], header[HEADER_RESTORER], 0);
  /* A fault inside a fault's handler is a copy that met bad guest memory: it must be caught too. */
  for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) set_handler(faults[i], header[HEADER_FAULT], header[HEADER_RESTORER], SA_NODEFER);
  u64 none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) fail("no_new_privs");
  leave_rseq();
  only_fds(control_fd, fds[0]);
  move_vdso(setup);
  __asm__ volatile(
      "mov %0, %%rsp\n"
      "xor %%ebp, %%ebp\n"
      "call *%1\n"
      "hlt\n" ::"r"(thread->stack_top - 1024), "r"(header[HEADER_ZYGOTE_START]));
  __builtin_unreachable();
}
