/* memfd_secret(2): memory that the kernel does not touch for anybody. */
#include "../check.h"
#include <sys/ptrace.h>
#include <sys/uio.h>

int main(void) {
  int fd, pipes[2];
  char *p, b[8] = "";
  T(syscall(SYS_memfd_secret, 1));
  T(syscall(SYS_memfd_secret, 0x10000));
  T((fd = syscall(SYS_memfd_secret, 0)) >= 0);
  T(fcntl(fd, F_GETFD));
  int other = syscall(SYS_memfd_secret, O_CLOEXEC);
  T(fcntl(other, F_GETFD));
  OK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
  T(ftruncate(fd, 8192));
  T(ftruncate(fd, 4096));
  T(ftruncate(fd, 0));
  T(read(fd, b, 4));
  T(write(fd, "x", 1));
  T(pread(fd, b, 4, 0));
  T(pwrite(fd, "x", 1, 0));
  T(lseek(fd, 0, SEEK_SET));
  T(fallocate(fd, 0, 0, 4096));
  T(fcntl(fd, F_GET_SEALS));
  T(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  T(fcntl(fd, F_GETFL) & O_ACCMODE);
  struct stat st;
  T(fstat(fd, &st));
  printf("%o %ld %ld\n", st.st_mode, (long)st.st_size, (long)st.st_blksize);
  char link[100] = "", name[50];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  readlink(name, link, sizeof link - 1);
  printf("%s\n", link);
  OK(mmap(NULL, 8192, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  T((p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) != MAP_FAILED);
  strcpy(p, "secret");
  /* The program itself, and system calls that copy for it. */
  pipe(pipes);
  T(write(pipes[1], p, 6));
  T(read(pipes[0], p + 100, 6));
  printf("%s\n", p + 100);
  /* Nobody else. */
  struct iovec in = {b, 6}, out = {p, 6};
  T(process_vm_readv(getpid(), &in, 1, &out, 1, 0));
  T(process_vm_writev(getpid(), &in, 1, &out, 1, 0));
  T(vmsplice(pipes[1], &out, 1, 0));
  int mem = open("/proc/self/mem", O_RDWR);
  T(pread(mem, b, 4, (off_t)(long)p));
  T(pwrite(mem, "x", 1, (off_t)(long)p));
  T(mprotect(p, 4096, PROT_READ | PROT_EXEC));
  T(mprotect(p, 4096, PROT_READ));
  T(madvise(p, 4096, MADV_DONTNEED));
  printf("%s\n", p);
  pid_t pid = fork();
  if (!pid) {
    ptrace(PTRACE_TRACEME);
    raise(SIGSTOP);
    strcpy(p + 4096, strcmp(p, "secret") ? "another secret" : "from child");
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  T(ptrace(PTRACE_PEEKDATA, pid, p, 0));
  T(ptrace(PTRACE_PEEKDATA, pid, &other, 0) != -1);
  T(process_vm_readv(pid, &in, 1, &out, 1, 0));
  T(ptrace(PTRACE_CONT, pid, 0, 0));
  waitpid(pid, &status, 0);
  say_status("child", status);
  printf("%s\n", p + 4096);
  T(munmap(p, 8192));
  T((p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0)) != MAP_FAILED);
  printf("%s\n", p);
  struct rlimit limit = {8192, 8192};
  T(setrlimit(RLIMIT_MEMLOCK, &limit));
  T(setresuid(1000, 1000, 1000));
  OK(mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  OK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  OK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
  return 0;
}
