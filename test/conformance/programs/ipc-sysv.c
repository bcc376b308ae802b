/* System V semaphores, messages and shared memory; POSIX queues and semaphores. */
#include "../check.h"
#include <mqueue.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

struct message {
  long type;
  char text[64];
};
static int op(int id, int n, int by, int flags) {
  struct sembuf b = {n, by, flags};
  return semop(id, &b, 1);
}
static void on_alarm(int s) { (void)s; }

/* Types are longs: all 64 bits tell messages apart. */
static void large_types(void) {
  struct { long type; char text[4]; } m = {0x7fadc0ded1ceb00bL, "a"};
  int q = msgget(IPC_PRIVATE, 0600);
  T(msgsnd(q, &m, 1, 0));
  m.type++;
  T(msgsnd(q, &m, 1, 0));
  T(msgrcv(q, &m, 4, 0x7fadc0ded1ceb00aL, IPC_NOWAIT));
  T(msgrcv(q, &m, 4, -0x7fadc0ded1ceb00aL, IPC_NOWAIT));
  T(msgrcv(q, &m, 4, 0x7fadc0ded1ceb00cL, IPC_NOWAIT));
  printf("type %lx\n", m.type);
  T(msgrcv(q, &m, 4, LONG_MIN, IPC_NOWAIT));
  printf("type %lx\n", m.type);
  m.type = LONG_MIN;
  T(msgsnd(q, &m, 1, 0));
  m.type = LONG_MAX;
  T(msgsnd(q, &m, 1, 0));
  T(msgrcv(q, &m, 4, LONG_MAX, IPC_NOWAIT | MSG_EXCEPT));
  T(msgrcv(q, &m, 4, -1, IPC_NOWAIT));
  T(msgrcv(q, &m, 4, LONG_MIN, IPC_NOWAIT));
  T(msgctl(q, IPC_RMID, NULL));
}

/* The line of an object in /proc/sysvipc: its columns from the mode on, without pids, users and times. */
static void line_of(const char *kind, int id, int shown) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/sysvipc/%s", kind);
  FILE *file = fopen(path, "r");
  fgets(line, sizeof line, file);
  printf("%s", line);
  int found = 0;
  while (fgets(line, sizeof line, file)) {
    char *rest = line;
    strtol(rest, &rest, 10);
    if (strtol(rest, &rest, 10) != id) continue;
    found++;
    printf("columns %.*s\n", shown, rest);
  }
  printf("found %d\n", found);
  fclose(file);
}

static void listed(void) {
  struct { long type; char text[4]; } m = {1, "abc"};
  int q = msgget(IPC_PRIVATE, 0640), sem = semget(IPC_PRIVATE, 3, 0600), shm = shmget(IPC_PRIVATE, 10000, 0644);
  msgsnd(q, &m, 3, 0);
  line_of("msg", q, 29);
  line_of("sem", sem, 17);
  line_of("shm", shm, 28);
  msgctl(q, IPC_RMID, NULL), semctl(sem, 0, IPC_RMID), shmctl(shm, IPC_RMID, NULL);
  line_of("msg", q, 0);
}

int main(void) {
  large_types();
  listed();
  struct sigaction sa = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &sa, NULL);
  key_t key = 0x4d6f6174;
  T(semget(key, 2, 0600));
  T(semget(key, 0, IPC_CREAT | 0600));
  T(semget(IPC_PRIVATE, -1, 0600));
  int s = semget(key, 2, IPC_CREAT | IPC_EXCL | 0600);
  T(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
  T(semget(key, 3, 0600));
  IS(semget(key, 1, 0600) == s);
  T(semctl(s, 0, GETVAL));
  T(semctl(s, 2, GETVAL));
  T(semctl(s, 0, SETVAL, 40000));
  T(semctl(s, 0, SETVAL, -1));
  T(semctl(s, 0, SETVAL, 2));
  T(op(s, 0, -3, IPC_NOWAIT));
  T(op(s, 0, -2, 0));
  T(op(s, 0, 0, 0));
  T(op(s, 9, 1, 0));
  T(op(s, 0, 32767, 0));
  T(op(s, 0, 1, 0));
  T(semop(s, NULL, 0));
  T(semop(12345, &(struct sembuf){0, 1, 0}, 1));
  semctl(s, 0, SETVAL, 0);
  ualarm(20000, 0);
  T(op(s, 0, -1, 0));
  struct timespec ts = {0, 10000000};
  T(semtimedop(s, &(struct sembuf){0, -1, 0}, 1, &ts));
  IN_CHILD("undo", T(op(s, 1, 5, SEM_UNDO)); T(semctl(s, 1, GETVAL)));
  T(semctl(s, 1, GETVAL));
  fflush(stdout);
  pid_t p = fork();
  if (p == 0) {
    int r = op(s, 0, -1, 0);
    printf("woken %d\n", r);
    r = op(s, 1, -1, 0);
    printf("removed: %d %s\n", r, error_name(errno));
    exit(0);
  }
  sleep_ms(20);
  T(semctl(s, 0, GETNCNT));
  op(s, 0, 1, 0);
  sleep_ms(20);
  T(semctl(s, 0, GETPID) == p);
  /* The child tells of the removal as soon as it happens: it ends before this process says anything. */
  int removed = semctl(s, 0, IPC_RMID);
  waitpid(p, NULL, 0);
  T(removed);
  T(semctl(s, 0, GETVAL));

  struct message m;
  T(msgget(key, 0600));
  int q = msgget(key, IPC_CREAT | 0600);
  for (int i = 1; i <= 4; i++) {
    m.type = i;
    sprintf(m.text, "message %d", i);
    T(msgsnd(q, &m, 10, 0));
  }
  m.type = 0;
  T(msgsnd(q, &m, 10, 0));
  T(msgsnd(q, &m, 1 << 20, 0));
  T(msgrcv(q, &m, 5, 3, 0));
  T(msgrcv(q, &m, 5, 3, MSG_NOERROR));
  printf("%ld %.5s\n", m.type, m.text);
  T(msgrcv(q, &m, 64, -3, 0));
  printf("%ld\n", m.type);
  T(msgrcv(q, &m, 64, 2, MSG_EXCEPT));
  printf("%ld\n", m.type);
  T(msgrcv(q, &m, 64, 9, IPC_NOWAIT));
  T(msgrcv(q, &m, 64, 0, 0));
  printf("%ld\n", m.type);
  struct msqid_ds ds;
  T(msgctl(q, IPC_STAT, &ds));
  printf("messages %ld bytes %ld limit %ld\n", (long)ds.msg_qnum, (long)ds.__msg_cbytes, (long)ds.msg_qbytes);
  ualarm(20000, 0);
  T(msgrcv(q, &m, 64, 0, 0));
  T(msgctl(q, IPC_RMID, NULL));
  T(msgsnd(q, &m, 1, 0));

  T(shmget(key, 0, IPC_CREAT | 0600));
  int id = shmget(key, 5000, IPC_CREAT | 0600);
  T(shmget(key, 9000, 0600));
  char *a = shmat(id, NULL, 0), *b = shmat(id, NULL, SHM_RDONLY);
  IS(a != (void *)-1 && b != (void *)-1 && a != b);
  strcpy(a, "shared");
  printf("%s\n", b);
  IN_CHILD("child", strcpy(a, "by child"));
  printf("%s\n", b);
  T(shmat(id, a + 1, 0) == (void *)-1);
  T(shmat(id, a, 0) == (void *)-1);
  T(shmat(99999, NULL, 0) == (void *)-1);
  struct shmid_ds sd;
  T(shmctl(id, IPC_STAT, &sd));
  printf("attached %ld size %ld mode %o\n", (long)sd.shm_nattch, (long)sd.shm_segsz, sd.shm_perm.mode);
  T(shmctl(id, IPC_RMID, NULL));
  T(shmctl(id, IPC_STAT, &sd));
  printf("mode %o\n", sd.shm_perm.mode);
  T(shmget(key, 10, 0600));
  T(shmdt(a));
  T(shmdt(a));
  T(shmdt(b));
  T(shmctl(id, IPC_STAT, &sd));

  mq_unlink("/moat-test");
  struct mq_attr attr = {.mq_maxmsg = 3, .mq_msgsize = 16};
  T(mq_open("noslash", O_RDWR));
  T(mq_open("/moat-test", O_RDWR));
  mqd_t mq = mq_open("/moat-test", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attr);
  char buf[32];
  unsigned priority;
  T(mq_send(mq, "low", 3, 1));
  T(mq_send(mq, "high", 4, 9));
  T(mq_send(mq, "low2", 4, 1));
  T(mq_send(mq, "more", 4, 1));
  T(mq_send(mq, "too long for the queue", 20, 1));
  T(mq_receive(mq, buf, 10, &priority));
  for (int i = 0; i < 4; i++) {
    ssize_t n = mq_receive(mq, buf, 32, &priority);
    if (n < 0) printf("%s\n", error_name(errno));
    else printf("%.*s priority %u\n", (int)n, buf, priority);
  }
  T(mq_getattr(mq, &attr));
  printf("%ld %ld %ld %ld\n", attr.mq_flags & O_NONBLOCK, attr.mq_maxmsg, attr.mq_msgsize, attr.mq_curmsgs);
  T(mq_unlink("/moat-test"));
  T(mq_unlink("/moat-test"));
  T(mq_close(mq));
  sem_t *sem = sem_open("/moat-sem", O_CREAT, 0600, 1);
  T(sem_trywait(sem));
  T(sem_trywait(sem));
  IN_CHILD("poster", sleep_ms(10); sem_post(sem));
  T(sem_wait(sem));
  T(sem_unlink("/moat-sem"));
  int sh = shm_open("/moat-shm", O_CREAT | O_RDWR, 0600);
  T(ftruncate(sh, 100));
  T(shm_unlink("/moat-shm"));
  T(shm_unlink("/moat-shm"));
  return 0;
}
