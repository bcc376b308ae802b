/* io_uring(7) by its three system calls: files, sockets, registration, errors. */
#include "../ring.h"

static void files(void) {
  static char one[100], two[100];
  int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
  strcpy(one, "hello, ring");
  next(IORING_OP_NOP, -1, NULL, 0, 0, 1);
  next(IORING_OP_WRITE, fd, one, 11, 0, 2);
  printf("submitted %d\n", enter(2, 2));
  reap("nop, write");
  struct iovec vector[2] = {{two, 5}, {two + 50, 6}};
  next(IORING_OP_READV, fd, vector, 2, 0, 3);
  next(IORING_OP_FSYNC, fd, NULL, 0, 0, 4);
  next(IORING_OP_READ, fd, two + 20, 5, 7, 5);
  printf("submitted %d\n", enter(3, 3));
  reap("readv, fsync, read");
  printf("%.5s|%.6s|%.4s\n", two, two + 50, two + 20);
  next(IORING_OP_READ, fd, one, 5, -1, 6);
  next(IORING_OP_READ, fd, one + 5, 5, -1, 7)->flags = 0;
  enter(2, 2);
  reap("at the position");
  printf("position %ld\n", lseek(fd, 0, SEEK_CUR));
  next(IORING_OP_FALLOCATE, fd, (void *)4096, 0, 0, 8);
  enter(1, 1);
  reap("fallocate");
  struct stat info;
  fstat(fd, &info);
  printf("size %ld\n", (long)info.st_size);
  next(IORING_OP_OPENAT, AT_FDCWD, "data", 0, 0, 9)->open_flags = O_RDONLY;
  enter(1, 1);
  unsigned *head = at(cq, params.cq_off.head);
  int opened = ((struct io_uring_cqe *)(cq + params.cq_off.cqes))[*head & *at(cq, params.cq_off.ring_mask)].res;
  ++*head;
  printf("opened %d\n", fcntl(opened, F_GETFL) == (O_RDONLY | 0100000));
  next(IORING_OP_CLOSE, opened, NULL, 0, 0, 10);
  next(IORING_OP_CLOSE, opened, NULL, 0, 0, 11);
  enter(2, 2);
  reap("close twice");
  next(IORING_OP_MKDIRAT, AT_FDCWD, "ring-dir", 0700, 0, 12);
  alone("mkdir");
  next(IORING_OP_RENAMEAT, AT_FDCWD, "data", (unsigned)AT_FDCWD, (uintptr_t) "ring-dir/data", 13);
  alone("rename");
  next(IORING_OP_UNLINKAT, AT_FDCWD, "ring-dir/data", 0, 0, 14);
  alone("unlink");
  next(IORING_OP_UNLINKAT, AT_FDCWD, "ring-dir", 0, 0, 15)->unlink_flags = AT_REMOVEDIR;
  alone("rmdir");
  next(IORING_OP_READ, -1, one, 5, 0, 16);
  next(IORING_OP_READ, fd, (void *)8, 5, 0, 17);
  next(IORING_OP_OPENAT, AT_FDCWD, "nowhere", 0, 0, 18);
  next(200, fd, NULL, 0, 0, 19);
  printf("submitted %d\n", enter(4, 4));
  reap("errors");
  close(fd);
}

static void sleeping(void) {
  int ends[2], event = eventfd(0, 0);
  char text[16];
  pipe(ends);
  next(IORING_OP_READ, ends[0], text, 10, 0, 1);
  printf("submitted %d\n", enter(1, 0));
  reap("nothing yet");
  write(ends[1], "later", 5);
  enter(0, 1);
  reap("read");
  printf("%.5s\n", text);
  uint64_t number;
  next(IORING_OP_READ, event, &number, 8, 0, 2);
  next(IORING_OP_POLL_ADD, ends[0], NULL, 0, 0, 3)->poll32_events = POLLIN;
  enter(2, 0);
  eventfd_write(event, 5);
  enter(0, 1);
  reap("eventfd");
  printf("%d\n", (int)number);
  write(ends[1], "x", 1);
  enter(0, 1);
  reap("poll");
  read(ends[0], text, 1);
  /* Cancelled. */
  next(IORING_OP_READ, ends[0], text, 10, 0, 4);
  next(IORING_OP_POLL_ADD, ends[0], NULL, 0, 0, 5)->poll32_events = POLLIN;
  enter(2, 0);
  next(IORING_OP_ASYNC_CANCEL, -1, (void *)4, 0, 0, 6);
  next(IORING_OP_POLL_REMOVE, -1, (void *)5, 0, 0, 7);
  next(IORING_OP_ASYNC_CANCEL, -1, (void *)99, 0, 0, 8);
  enter(3, 5);
  reap("cancelled");
  /* O_NONBLOCK does not matter. */
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  pid_t child = fork();
  if (child == 0) {
    sleep_ms(50);
    write(ends[1], "from the child", 14);
    _exit(0);
  }
  next(IORING_OP_READ, ends[0], text, 14, 0, 10);
  printf("%d\n", enter(1, 1));
  reap("from a child");
  waitpid(child, NULL, 0);
  close(ends[0]);
  close(ends[1]);
  close(event);
}

static void sockets(void) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  static char text[32];
  int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
  bind(listener, (void *)&name, sizeof name);
  listen(listener, 5);
  getsockname(listener, (void *)&name, &length);
  next(IORING_OP_ACCEPT, listener, NULL, 0, 0, 1);
  enter(1, 0);
  next(IORING_OP_CONNECT, client, &name, 0, sizeof name, 2);
  enter(1, 2);
  unsigned *head = at(cq, params.cq_off.head), mask = *at(cq, params.cq_off.ring_mask);
  struct io_uring_cqe *cqes = (void *)(cq + params.cq_off.cqes);
  int server = -1;
  for (int i = 0; i < 2; i++, ++*head) {
    struct io_uring_cqe *one = &cqes[*head & mask];
    if (one->user_data == 1) server = one->res;
    else printf("connect %s\n", named(one->res));
  }
  IS(server > 0);
  next(IORING_OP_RECV, server, text, 20, 0, 3);
  enter(1, 0);
  next(IORING_OP_SEND, client, "by ring", 7, 0, 4);
  enter(1, 2);
  reap("send, recv");
  printf("%s\n", text);
  struct iovec vector = {text, sizeof text};
  struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
  next(IORING_OP_RECVMSG, client, &header, 1, 0, 5);
  enter(1, 0);
  struct iovec out = {"message", 8};
  struct msghdr sent = {.msg_iov = &out, .msg_iovlen = 1};
  next(IORING_OP_SENDMSG, server, &sent, 1, 0, 6);
  enter(1, 2);
  reap("sendmsg, recvmsg");
  printf("%s\n", text);
  next(IORING_OP_SHUTDOWN, client, NULL, SHUT_WR, 0, 7);
  next(IORING_OP_RECV, server, text, 20, 0, 8);
  enter(2, 2);
  reap("shutdown");
  close(server);
  close(client);
  close(listener);
}

static void registered(void) {
  static char buffer[4096];
  struct iovec vector = {buffer, sizeof buffer}, wrong = {(void *)8, 4096};
  int fds[3] = {open("data", O_RDWR | O_CREAT | O_TRUNC, 0600), -1, open("/dev/zero", O_RDONLY)}, event = eventfd(0, EFD_NONBLOCK);
  T(syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_FILES, NULL, 0));
  T(syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, fds, 3));
  T(syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, fds, 3));
  T(syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &wrong, 1));
  T(syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &vector, 1));
  T(syscall(SYS_io_uring_register, ring, IORING_REGISTER_EVENTFD, &event, 1));
  T(syscall(SYS_io_uring_register, ring, IORING_REGISTER_EVENTFD, &event, 1));
  strcpy(buffer, "registered");
  close(fds[0]);
  next(IORING_OP_WRITE_FIXED, 0, buffer, 10, 0, 1)->flags = IOSQE_FIXED_FILE;
  enter(1, 1);
  next(IORING_OP_READ_FIXED, 0, buffer + 100, 10, 0, 2)->flags = IOSQE_FIXED_FILE;
  next(IORING_OP_READ, 1, buffer, 10, 0, 3)->flags = IOSQE_FIXED_FILE;
  next(IORING_OP_READ, 7, buffer, 10, 0, 4)->flags = IOSQE_FIXED_FILE;
  next(IORING_OP_READ_FIXED, 2, buffer + 4090, 10, 0, 5)->flags = IOSQE_FIXED_FILE;
  enter(4, 4);
  reap("fixed");
  printf("%.10s\n", buffer + 100);
  eventfd_t count;
  T(eventfd_read(event, &count));
  T(eventfd_read(event, &count));
  T(syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_EVENTFD, NULL, 0));
  T(syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0));
  T(syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_FILES, NULL, 0));
  T(syscall(SYS_io_uring_register, ring, 999, NULL, 0));
}

static void errors(void) {
  struct io_uring_params other = {0};
  int zero = open("/dev/zero", O_RDONLY);
  T(syscall(SYS_io_uring_setup, 0, &other));
  T(syscall(SYS_io_uring_setup, 40000, &other));
  T(syscall(SYS_io_uring_setup, 1, NULL));
  other.resv[0] = 1;
  T(syscall(SYS_io_uring_setup, 1, &other));
  other.resv[0] = 0;
  other.flags = 1u << 31;
  T(syscall(SYS_io_uring_setup, 1, &other));
  T(syscall(SYS_io_uring_enter, zero, 0, 0, 0, NULL, 0));
  T(syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
  T(syscall(SYS_io_uring_enter, ring, 0, 0, 1u << 31, NULL, 0));
  T(syscall(SYS_io_uring_register, zero, 0, NULL, 0));
  IS(mmap(NULL, 4096, PROT_READ, MAP_SHARED, ring, 0x4000000) == MAP_FAILED);
  IS(mmap(NULL, 4096, PROT_READ, MAP_SHARED, ring, 0x18000000) == MAP_FAILED);
  T(read(ring, &other, 8));
  T(fcntl(ring, F_GETFD));
}

int main(void) {
  make(8, 0);
  files();
  sleeping();
  sockets();
  registered();
  errors();
  return 0;
}
