/* Keys and keyrings: add_key(2), request_key(2), keyctl(2). Serial numbers are not printed. */
#include "../check.h"

typedef int32_t key;
#define KEYCTL(...) syscall(SYS_keyctl, __VA_ARGS__)
enum { GET_ID, JOIN, UPDATE, REVOKE, CHOWN, SETPERM, DESCRIBE, CLEAR, LINK, UNLINK, SEARCH, READ, INSTANTIATE, NEGATE, REQKEY, TIMEOUT,
  ASSUME, SECURITY, TO_PARENT, REJECT, IOV, INVALIDATE, RESTRICT = 29, MOVE = 30, CAPS = 31 };
enum { THREAD = -1, PROCESS = -2, SESSION = -3, USER = -4, USER_SESSION = -5 };

static key add(const char *type, const char *name, const char *data, key ring) {
  return syscall(SYS_add_key, type, name, data, data ? strlen(data) : 0, ring);
}

static void show(const char *what, key id) {
  char text[200], *part = text;
  long n = KEYCTL(DESCRIBE, id, text, sizeof text);
  if (n < 0) {
    printf("%s: %s\n", what, error_name(errno));
    return;
  }
  /* Not the owner's ids. */
  char *name = strrchr(text, ';');
  strsep(&part, ";");
  printf("%s: %s %ld %.8s %s\n", what, text, n > 0 ? 1L : 0L, name - 8, name + 1);
}

static void payload(const char *what, key id) {
  char text[100];
  long n = KEYCTL(READ, id, text, sizeof text - 1);
  if (n < 0) printf("%s: %s\n", what, error_name(errno));
  else printf("%s: %ld %.*s\n", what, n, (int)n, text);
}

static long count(key ring) {
  long n = KEYCTL(READ, ring, NULL, 0);
  return n < 0 ? -errno : n / 4;
}

static void *thread(void *unused) {
  (void)unused;
  printf("thread: own keyring %ld, the process's %s\n", KEYCTL(GET_ID, THREAD, 0) < 0 ? (long)errno : 0, KEYCTL(SEARCH, PROCESS, "user", "of-process", 0) > 0 ? "found" : "lost");
  return NULL;
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    printf("after exec: session %s\n", KEYCTL(SEARCH, SESSION, "user", "colour", 0) > 0 ? "found" : error_name(errno));
    printf("after exec: thread %s\n", KEYCTL(GET_ID, THREAD, 0) < 0 ? error_name(errno) : "there");
    printf("after exec: process %s\n", KEYCTL(GET_ID, PROCESS, 0) < 0 ? error_name(errno) : "there");
    return 0;
  }
  char buffer[64];
  OK(KEYCTL(JOIN, NULL));
  show("session", SESSION);
  printf("%ld keys\n", count(SESSION));
  T(KEYCTL(GET_ID, THREAD, 0));
  T(KEYCTL(GET_ID, PROCESS, 0));
  OK(KEYCTL(GET_ID, THREAD, 1));
  OK(KEYCTL(GET_ID, PROCESS, 1));
  show("thread", THREAD);
  show("process", PROCESS);
  OK(KEYCTL(GET_ID, USER, 1));
  T(KEYCTL(GET_ID, -6, 0));
  T(KEYCTL(GET_ID, -7, 0));
  T(KEYCTL(GET_ID, -9, 0));
  T(KEYCTL(GET_ID, 0, 0));

  key colour = add("user", "colour", "red", SESSION);
  show("colour", colour);
  payload("colour", colour);
  printf("%ld keys\n", count(SESSION));
  printf("updated in place: %d\n", add("user", "colour", "green", SESSION) == colour);
  payload("colour", colour);
  T(KEYCTL(UPDATE, colour, "blue", 4));
  payload("colour", colour);
  T(KEYCTL(READ, colour, buffer, 2));
  T(KEYCTL(READ, colour, NULL, 0));
  T(KEYCTL(UPDATE, colour, NULL, 0));
  T(KEYCTL(UPDATE, colour, (void *)8, 4));
  T(KEYCTL(UPDATE, colour, buffer, 5000));
  key logon = add("logon", "service:name", "secret", SESSION);
  show("logon", logon);
  payload("logon", logon);
  T(add("logon", "name", "secret", SESSION));
  T(add("logon", ":name", "secret", SESSION));
  T(add("user", "", "x", SESSION));
  T(add("user", "empty", NULL, SESSION));
  T(add("nonsense", "x", "x", SESSION));
  T(add("", "x", "x", SESSION));
  T(add(".user", "x", "x", SESSION));
  T(add("keyring", ".x", NULL, SESSION));
  T(add("keyring", "with-data", "x", SESSION));
  T(add("user", "x", "x", colour));
  T(add("user", "x", "x", 0x7ffffff1));
  T(add("user", "x", "x", 0));
  T(add((char *)8, "x", "x", SESSION));
  T(add("user", (char *)8, "x", SESSION));
  T(syscall(SYS_add_key, "user", "x", (void *)8, 4, SESSION));
  T(syscall(SYS_add_key, "user", "x", "x", 1 << 20, SESSION));

  key ring = add("keyring", "ring", NULL, SESSION);
  show("ring", ring);
  key deep = add("user", "deep", "down", ring);
  printf("searched: %d\n", KEYCTL(SEARCH, SESSION, "user", "deep", 0) == deep);
  printf("requested: %d\n", syscall(SYS_request_key, "user", "deep", NULL, 0) == deep);
  T(syscall(SYS_request_key, "user", "nowhere", NULL, 0));
  T(syscall(SYS_request_key, "nonsense", "nowhere", NULL, 0));
  T(KEYCTL(SEARCH, SESSION, "user", "nowhere", 0));
  T(KEYCTL(SEARCH, colour, "user", "nowhere", 0));
  T(KEYCTL(LINK, ring, ring));
  key inner = add("keyring", "inner", NULL, ring);
  T(KEYCTL(LINK, ring, inner));
  T(KEYCTL(LINK, colour, inner));
  T(KEYCTL(LINK, colour, colour));
  printf("%ld keys in inner\n", count(inner));
  T(KEYCTL(UNLINK, colour, inner));
  T(KEYCTL(UNLINK, colour, inner));
  T(KEYCTL(MOVE, deep, ring, inner, 0));
  T(KEYCTL(MOVE, deep, ring, inner, 0));
  T(KEYCTL(MOVE, deep, inner, ring, 2));
  add("user", "deep", "other", ring);
  T(KEYCTL(MOVE, deep, inner, ring, 1));
  T(KEYCTL(RESTRICT, inner, NULL, NULL));
  T(KEYCTL(RESTRICT, inner, NULL, NULL));
  T(add("user", "more", "x", inner));
  T(KEYCTL(LINK, colour, inner));
  T(KEYCTL(CLEAR, ring));
  printf("%ld keys in ring\n", count(ring));
  T(KEYCTL(CLEAR, colour));

  T(KEYCTL(SETPERM, colour, 0x3f3f3f3f));
  show("all rights", colour);
  T(KEYCTL(SETPERM, colour, 0x40000000));
  T(KEYCTL(SETPERM, colour, 0x20200000));
  T(KEYCTL(DESCRIBE, colour, buffer, sizeof buffer));
  payload("without rights", colour);
  T(KEYCTL(UPDATE, colour, "x", 1));
  T(KEYCTL(LINK, colour, ring));
  T(KEYCTL(SETPERM, colour, 0x3f3f0000));
  T(KEYCTL(CHOWN, colour, -1, -1));
  T(KEYCTL(CHOWN, colour, getuid(), getgid()));
  T(KEYCTL(SECURITY, colour, NULL, 0));

  T(KEYCTL(TIMEOUT, colour, 100));
  payload("not yet expired", colour);
  T(KEYCTL(TIMEOUT, colour, 0));
  T(KEYCTL(TIMEOUT, logon, 1));
  sleep_ms(2100);
  T(KEYCTL(UPDATE, logon, "x", 1));
  key gone = add("user", "gone", "x", SESSION);
  T(KEYCTL(REVOKE, gone));
  payload("revoked", gone);
  T(KEYCTL(REVOKE, gone));
  T(KEYCTL(SEARCH, SESSION, "user", "gone", 0));
  T(KEYCTL(UNLINK, gone, SESSION));
  key invalid = add("user", "invalid", "x", SESSION);
  T(KEYCTL(INVALIDATE, invalid));
  IS(KEYCTL(SEARCH, SESSION, "user", "invalid", 0) > 0);

  T(KEYCTL(REQKEY, -1));
  T(KEYCTL(REQKEY, 3));
  T(KEYCTL(REQKEY, -1));
  T(KEYCTL(REQKEY, 0));
  T(KEYCTL(REQKEY, 6));
  T(KEYCTL(REQKEY, 9));
  T(KEYCTL(INSTANTIATE, colour, "x", 1, 0));
  T(KEYCTL(NEGATE, colour, 1, 0));
  T(KEYCTL(ASSUME, 0));
  T(KEYCTL(99));

  add("user", "of-process", "x", PROCESS);
  pthread_t other;
  pthread_create(&other, NULL, thread, NULL);
  pthread_join(other, NULL);
  IN_CHILD("child", T(KEYCTL(GET_ID, PROCESS, 0)); payload("child", KEYCTL(SEARCH, SESSION, "user", "colour", 0));
           OK(KEYCTL(JOIN, "named")); show("its session", SESSION); printf("%ld keys\n", count(SESSION)));
  printf("ours: %s\n", KEYCTL(SEARCH, SESSION, "user", "colour", 0) > 0 ? "found" : "lost");
  if (fork() == 0) {
    execl("/proc/self/exe", "again", "again", NULL);
    _exit(1);
  }
  wait(NULL);
  return 0;
}
