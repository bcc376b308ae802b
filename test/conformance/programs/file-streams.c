/* Transfers of much more than a slot holds: contents, torn buffers, signals, threads and processes meanwhile. */
#include "../check.h"
#include <sys/socket.h>
#include <sys/uio.h>

#define MOST 3000000
static unsigned char a[MOST], b[MOST];

static long differences(const unsigned char *from, const unsigned char *to, long length) {
  long count = 0;
  for (long i = 0; i < length; i++) count += from[i] != to[i];
  return count;
}

static void sizes(const char *what, int fd) {
  static const long lengths[] = {65536, 98303, 98304, 98305, 98304 + 4096, 110592, 131072, 196608, 196609, 1 << 20, MOST - 7};
  for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    long shift = i % 3, length = lengths[i];
    memset(b, 0, sizeof b);
    long written = pwrite(fd, a + shift, length, 100 * shift), got = pread(fd, b + shift, length, 100 * shift);
    printf("%s %ld: %ld %ld, %ld differ, beside %d\n", what, length, written, got, differences(a + shift, b + shift, length),
           b[shift + length] | (shift ? b[shift - 1] : 0));
  }
  /* Beyond the end, and over a hole. */
  printf("%s: short %ld, none %ld\n", what, pread(fd, b, MOST, MOST - 500000), pread(fd, b, MOST, MOST + 1000));
  ftruncate(fd, 0);
  pwrite(fd, a, 1000, 0);
  pwrite(fd, a, 1000, 1500000);
  memset(b, 1, sizeof b);
  long got = pread(fd, b, MOST, 0), zeros = 0;
  for (long i = 1000; i < 1500000; i++) zeros += b[i] == 0;
  printf("%s: with a hole %ld, zeros %ld, differ %ld\n", what, got, zeros, differences(a, b, 1000) + differences(a, b + 1500000, 1000));
}

/* A buffer that ends in the middle of the transfer. */
static void torn(void) {
  for (int i = 0; i < 20; i++) {
    int fd = open("/dev/shm/streams-torn", O_RDWR | O_CREAT | O_TRUNC, 0600);
    unsigned char *half = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(half, 5, 1 << 20);
    munmap(half + (1 << 19), 1 << 19);
    long written = pwrite(fd, half, 1 << 20, 0);
    pwrite(fd, a, 1 << 20, 0);
    long got = pread(fd, half, 1 << 20, 0);
    long differ = got > 0 ? differences(a, half, got) : 0;
    if (i == 0 || written != 1 << 19 || got != 1 << 19 || differ) printf("torn: %ld %ld, %ld differ\n", written, got, differ);
    munmap(half, 1 << 19);
    close(fd);
  }
  unlink("/dev/shm/streams-torn");
}

static volatile int ticks;
static void tick(int s) { (void)s, ticks++; }

/* Every transfer is whole although signals come all the time, or as short as it says. */
static void interrupted(int fd) {
  struct sigaction sa = {.sa_handler = tick, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &sa, NULL);
  struct itimerval timer = {{0, 300}, {0, 300}}, none = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &timer, NULL);
  long wrong = 0, end = now_ms() + 500;
  for (int i = 0; now_ms() < end; i++) {
    long length = 40000 + (i * 7919l) % 1500000;
    memset(b, 0, 2000);
    wrong += pwrite(fd, a + i % 5, length, 0) != length;
    wrong += pread(fd, b, length, 0) != length;
    wrong += memcmp(a + i % 5, b, length) != 0;
  }
  setitimer(ITIMER_REAL, &none, NULL);
  printf("interrupted: %ld wrong, signals came %d\n", wrong, ticks > 20);
}

static int ends[2];
static void *drain(void *unused) {
  long total = 0, got;
  while (total < MOST && (got = read(ends[0], b + total, total % 3 ? 300000 : 1 << 20)) > 0) total += got;
  return (void *)(total + 0 * (long)unused);
}

static void between(const char *what, int is_process) {
  memset(b, 0, sizeof b);
  pthread_t thread;
  void *total = NULL;
  long sent = 0;
  if (is_process) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(drain(NULL) == (void *)MOST && differences(a, b, MOST) == 0 ? 0 : 1);
    for (long n; sent < MOST && (n = write(ends[1], a + sent, MOST - sent)) > 0;) sent += n;
    int status;
    waitpid(child, &status, 0);
    printf("%s to a process: %ld, status %d\n", what, sent, status);
    return;
  }
  pthread_create(&thread, NULL, drain, NULL);
  for (long n; sent < MOST && (n = write(ends[1], a + sent, MOST - sent)) > 0;) sent += n;
  pthread_join(thread, &total);
  printf("%s to a thread: %ld %ld, %ld differ\n", what, sent, (long)total, differences(a, b, MOST));
}

/* Several parts, of which one is large, or all are. */
static void vectors(int fd) {
  struct iovec parts[4] = {{a, 10}, {a + 10, 700000}, {a + 700010, 3}, {a + 700013, 400000}};
  struct iovec back[4] = {{b, 400000}, {b + 400000, 1}, {b + 400001, 700000}, {b + 1100001, 12}};
  memset(b, 0, sizeof b);
  long written = pwritev(fd, parts, 4, 0), got = preadv(fd, back, 4, 0);
  printf("vectors: %ld %ld, %ld differ\n", written, got, differences(a, b, 1100013));
}

static void *own_file(void *argument) {
  long index = (long)argument, wrong = 0, length = 400000 + index * 1000;
  unsigned char *mine = malloc(length);
  char name[40];
  sprintf(name, "/dev/shm/streams-%ld", index);
  int fd = open(name, O_RDWR | O_CREAT, 0600);
  unlink(name);
  for (int i = 0; i < 60; i++) {
    memset(mine, i + (int)index, length);
    wrong += pwrite(fd, mine, length, 0) != length;
    memset(mine, 0, length);
    wrong += pread(fd, mine, length, 0) != length;
    for (long at = 0; at < length; at += 501) wrong += mine[at] != (unsigned char)(i + index);
  }
  close(fd);
  free(mine);
  return (void *)wrong;
}

int main(void) {
  for (long i = 0; i < MOST; i++) a[i] = (unsigned char)(i * 7 + i / 251 + i / 65536);
  int shm = open("/dev/shm/streams", O_RDWR | O_CREAT | O_TRUNC, 0600), file = open("streams", O_RDWR | O_CREAT | O_TRUNC, 0600);
  unlink("/dev/shm/streams");
  sizes("shm", shm);
  sizes("file", file);
  /* Mapped: the host holds it then. */
  ftruncate(shm, MOST);
  unsigned char *mapped = mmap(NULL, MOST, PROT_READ | PROT_WRITE, MAP_SHARED, shm, 0);
  sizes("mapped", shm);
  ftruncate(shm, MOST);
  pwrite(shm, a, MOST, 0);
  printf("through the mapping: %ld differ\n", differences(a, mapped, MOST));
  torn();
  interrupted(shm);
  interrupted(file);
  vectors(file);
  pipe(ends);
  between("pipe", 0);
  between("pipe", 1);
  socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
  between("socket", 0);
  between("socket", 1);
  long got = 0, sent = send(ends[1], a, 150000, 0);
  got = recv(ends[0], b, 150000, MSG_WAITALL);
  printf("all at once: %ld %ld, %ld differ\n", sent, got, differences(a, b, 150000));
  pthread_t threads[3];
  long wrong = 0;
  for (long i = 0; i < 3; i++) pthread_create(&threads[i], NULL, own_file, (void *)i);
  for (int i = 0; i < 3; i++) {
    void *result;
    pthread_join(threads[i], &result);
    wrong += (long)result;
  }
  printf("threads: %ld wrong\n", wrong);
  int program = open("/proc/self/exe", O_RDONLY), zero = open("/dev/zero", O_RDONLY);
  struct stat st;
  fstat(program, &st);
  printf("program: whole %d\n", read(program, b, MOST) == st.st_size);
  got = read(zero, b + 3, MOST - 3);
  long zeros = 0;
  for (long i = 3; i < MOST; i++) zeros += b[i] == 0;
  printf("zeros: %ld %ld\n", got, zeros);
  return 0;
}
