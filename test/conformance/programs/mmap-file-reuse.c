/* Files that are mapped, removed and made again: a mapping shows the bytes of the file it was made of. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int check(const char *name, int round, int flags, int keep_open) {
  int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
  char text[64];
  int length = snprintf(text, sizeof text, "round %d of %s", round, name);
  if (write(fd, text, length) != length) return 1;
  char *at = mmap(NULL, 4096, PROT_READ, flags, fd, 0);
  if (at == MAP_FAILED) return 2;
  if (!keep_open) close(fd);
  int wrong = memcmp(at, text, length + 1) != 0;
  munmap(at, 4096);
  if (keep_open) close(fd);
  unlink(name);
  return wrong ? 3 : 0;
}

int main(void) {
  int failures = 0;
  for (int round = 0; round < 60; round++) {
    failures += check("a", round, MAP_PRIVATE, round & 1) != 0;
    failures += check("b", round, MAP_SHARED, round & 2) != 0;
  }
  printf("one process: %d wrong\n", failures);
  for (int round = 0; round < 10; round++) {
    failures += check("c", round, MAP_SHARED, 0) != 0;
    pid_t child = fork();
    if (child == 0) _exit(check("d", round, MAP_PRIVATE, 0));
    failures += check("e", round, MAP_PRIVATE, 1) != 0;
    int status;
    waitpid(child, &status, 0);
    failures += status != 0;
  }
  printf("with children: %d wrong\n", failures);
  return 0;
}
