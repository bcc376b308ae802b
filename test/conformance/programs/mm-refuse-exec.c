/* PR_SET_MDWE: memory that could be written is never run; and prctls about memory that only keep a wish. */
#include "../check.h"
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif

static void gain(void) {
  int an = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE, rx = PROT_READ | PROT_EXEC;
  void *data = mmap(NULL, 4096, rw, an, -1, 0), *code = mmap(NULL, 4096, rx, an, -1, 0);
  OK(mmap(NULL, 4096, rw | PROT_EXEC, an, -1, 0));
  OK(mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  OK(mmap(NULL, 4096, rx, an, -1, 0));
  T(mprotect(data, 4096, rx));
  T(mprotect(data, 4096, PROT_READ));
  T(mprotect(data, 4096, PROT_EXEC));
  T(mprotect(code, 4096, rx));
  T(mprotect(code, 4096, rx | PROT_WRITE));
  T(mprotect(code, 4096, rw));
  T(mprotect(code, 4096, rx));
}

int main(int argc, char **argv) {
  if (argc > 1) {
    T(prctl(PR_GET_MDWE, 0, 0, 0, 0));
    gain();
    return 0;
  }
  T(prctl(PR_GET_MDWE, 0, 0, 0, 0));
  T(prctl(PR_GET_MDWE, 1, 0, 0, 0));
  T(prctl(PR_SET_MDWE, 0, 0, 0, 0));
  T(prctl(PR_SET_MDWE, 2, 0, 0, 0));
  T(prctl(PR_SET_MDWE, 4, 0, 0, 0));
  T(prctl(PR_SET_MDWE, 1, 1, 0, 0));
  for (int bits = 1; bits <= 3; bits += 2) {
    printf("bits %d\n", bits);
    IN_CHILD("refusing", {
      T(prctl(PR_SET_MDWE, bits, 0, 0, 0));
      T(prctl(PR_GET_MDWE, 0, 0, 0, 0));
      T(prctl(PR_SET_MDWE, bits, 0, 0, 0));
      T(prctl(PR_SET_MDWE, 4 - bits, 0, 0, 0));
      T(prctl(PR_SET_MDWE, 0, 0, 0, 0));
      gain();
      IN_CHILD("its child", T(prctl(PR_GET_MDWE, 0, 0, 0, 0)); gain());
      fflush(stdout);
      execl("/proc/self/exe", argv[0], "again", NULL);
    });
  }
  T(prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0));
  T(prctl(PR_SET_MEMORY_MERGE, 1, 0, 0, 0));
  T(prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0));
  IN_CHILD("merging child", T(prctl(PR_GET_MEMORY_MERGE, 0, 0, 0, 0)));
  T(prctl(PR_SET_MEMORY_MERGE, 0, 0, 0, 0));
  T(prctl(PR_SET_MEMORY_MERGE, 0, 1, 0, 0));
  return 0;
}
