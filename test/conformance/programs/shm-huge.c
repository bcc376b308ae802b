/* shmget(2) SHM_HUGETLB of more than any pool of huge pages has. */
#include "../check.h"
#include <sys/ipc.h>
#include <sys/shm.h>

#define HUGE (IPC_CREAT | SHM_HUGETLB | 0600)
#define TIB (1L << 40)

int main(void) {
  T(shmget(IPC_PRIVATE, TIB, HUGE));
  T(shmget(IPC_PRIVATE, TIB, HUGE | 21 << 26));
  T(shmget(IPC_PRIVATE, TIB, HUGE | 22 << 26));
  T(shmget(IPC_PRIVATE, 0, HUGE));
  return 0;
}
