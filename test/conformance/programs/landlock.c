/* landlock(7): what a domain takes away below directories, who may move what, and who inherits it. */
#include "../landlock.h"
#include <sys/ioctl.h>
#include <sys/mount.h>

static void files(void) {
  int handed = open("out/file", O_RDWR);
  int ruleset = create(ALL, 0, 0);
  T(allow(ruleset, "in", ALL & ~(TRUNCATE | MAKE_FIFO)));
  T(allow(ruleset, "read", READ_FILE | READ_DIR));
  T(allow(ruleset, "only-file", WRITE_FILE));
  T(enforce(ruleset));
  T(try("in/file", O_RDWR));
  T(try("in/file", O_RDWR | O_TRUNC));
  T(try("in/new", O_CREAT | O_WRONLY));
  T(try("in", O_RDONLY | O_DIRECTORY));
  T(try("in", O_TMPFILE | O_RDWR));
  T(try("out/file", O_RDONLY));
  T(try("out/file", O_WRONLY));
  T(try("out/file", O_PATH));
  T(try("out", O_RDONLY | O_DIRECTORY));
  T(try("out", O_PATH));
  T(try("out/new", O_CREAT | O_WRONLY));
  T(try("out", O_TMPFILE | O_RDWR));
  T(try("read/file", O_RDONLY));
  T(try("read/file", O_RDWR));
  T(try("read", O_RDONLY));
  T(try("only-file", O_WRONLY));
  T(try("only-file", O_RDONLY));
  T(try("in/to-out", O_RDONLY));
  T(try("out/to-in", O_RDONLY));
  T(write(handed, "x", 1));
  T(ftruncate(handed, 0));
  int file = open("in/file", O_RDWR);
  T(ftruncate(file, 0));
  T(fallocate(file, 0, 0, 4096));
  T(truncate("in/file", 1));
  T(truncate("out/file", 1));
  T(mkdir("in/dir", 0755));
  T(mkdir("out/dir", 0755));
  T(rmdir("in/dir"));
  T(rmdir("out/empty"));
  T(unlink("in/new"));
  T(unlink("out/file"));
  T(symlink("a", "in/link"));
  T(symlink("a", "out/link"));
  T(mkfifo("in/fifo", 0644));
  T(mknod("in/socket", S_IFSOCK | 0644, 0));
  T(mknod("out/socket", S_IFSOCK | 0644, 0));
  T(rename("in/link", "in/link2"));
  T(rename("in/link2", "out/link2"));
  T(rename("out/file", "in/stolen"));
  T(rename("out/file", "out/file2"));
  T(link("in/file", "in/again"));
  T(link("in/file", "out/again"));
  T(link("out/file", "in/again2"));
  struct stat st;
  T(stat("out/file", &st));
  T(access("out/file", R_OK));
  T(chmod("out/file", 0600));
  T(try("/dev/null", O_RDONLY));
  int pipes[2];
  T(pipe(pipes));
  char path[40];
  sprintf(path, "/proc/self/fd/%d", pipes[0]);
  T(try(path, O_RDONLY));
  int memory = memfd_create("m", 0);
  sprintf(path, "/proc/self/fd/%d", memory);
  T(try(path, O_RDWR | O_TRUNC));
  T(execl("/bin/true", "true", NULL));
  IN_CHILD("nested", {
    int inner = create(READ_FILE | MAKE_REG, 0, 0);
    T(allow(inner, "out", READ_FILE | MAKE_REG));
    T(enforce(inner));
    T(try("in/file", O_RDONLY));
    T(try("in/file", O_WRONLY));
    T(try("out/file", O_RDONLY));
    T(try("in/new2", O_CREAT | O_WRONLY));
  });
}

/* What may change its directory. */
static void moves(void) {
  int ruleset = create(EXECUTE | WRITE_FILE | READ_FILE | MAKE_REG | MAKE_DIR | REMOVE_FILE | REMOVE_DIR | REFER, 0, 0);
  uint64_t change = MAKE_REG | MAKE_DIR | REMOVE_FILE | REMOVE_DIR;
  allow(ruleset, "moves/a", change | REFER | READ_FILE | WRITE_FILE);
  allow(ruleset, "moves/b", change | REFER | READ_FILE);
  allow(ruleset, "moves/c", change | READ_FILE);
  allow(ruleset, "moves/d", change | REFER | READ_FILE | EXECUTE);
  allow(ruleset, "moves/e", REFER | READ_FILE);
  T(enforce(ruleset));
  T(rename("moves/a/one", "moves/b/one"));
  T(rename("moves/b/one", "moves/a/one"));
  T(link("moves/b/one", "moves/a/linked"));
  T(link("moves/a/two", "moves/b/linked"));
  T(rename("moves/a/two", "moves/c/two"));
  T(rename("moves/b/two", "moves/d/two"));
  T(rename("moves/d/three", "moves/b/three"));
  T(rename("moves/a/two", "moves/e/two"));
  T(rename("moves/a/dir", "moves/b/dir"));
  T(rename("moves/a/two", "moves/a/renamed"));
  T(rename("moves/a/renamed", "moves/a/sub/renamed"));
  T(syscall(SYS_renameat2, AT_FDCWD, "moves/a/x", AT_FDCWD, "moves/b/x", 2));
  T(syscall(SYS_renameat2, AT_FDCWD, "moves/a/x", AT_FDCWD, "moves/a/sub/x", 2));
}

static void without_refer(void) {
  int ruleset = create(READ_FILE, 0, 0);
  allow(ruleset, "/", READ_FILE);
  T(enforce(ruleset));
  T(rename("in/file", "in/file2"));
  T(rename("in/file2", "in/file"));
  T(rename("in/file", "read/moved"));
  T(link("in/file", "read/moved"));
  T(try("out/written", O_CREAT | O_WRONLY | O_TRUNC));
}

static void others(void) {
  int ruleset = create(READ_FILE | IOCTL_DEV, 0, 0);
  allow(ruleset, "/", READ_FILE);
  int before = open("/dev/zero", O_RDONLY);
  T(enforce(ruleset));
  int after = open("/dev/zero", O_RDONLY), count;
  T(ioctl(before, 0x12345, &count));
  T(ioctl(after, 0x12345, &count));
  T(ioctl(after, FIONREAD, &count));
  T(ioctl(after, FIOCLEX));
  T(ioctl(open("in/file", O_RDONLY), 0x12345, &count));
  T(mount("none", "in", "tmpfs", 0, NULL));
  T(umount("in"));
  T(syscall(SYS_pivot_root, ".", "."));
  T(syscall(SYS_move_mount, AT_FDCWD, "in", AT_FDCWD, "out", 0));
  T(chroot("."));
}

int main(int argc, char **argv) {
  if (argc > 1) {
    T(try("out/file", O_RDONLY));
    T(try("in/file", O_RDONLY));
    IN_CHILD("child of the executed", T(try("out/file", O_RDONLY)));
    return 0;
  }
  umask(022);
  system("mkdir -p in out/empty read moves/a/sub moves/b moves/c moves/d moves/e moves/a/dir;"
         "echo 1 > in/file; echo 1 > out/file; echo 1 > read/file; echo 1 > only-file; ln -s ../out/file in/to-out; ln -s ../in/file out/to-in;"
         "for f in a/one a/two b/two d/three a/x b/x a/sub/x; do echo $f > moves/$f; done");
  IN_CHILD("files", files());
  IN_CHILD("moves", moves());
  IN_CHILD("without refer", without_refer());
  IN_CHILD("others", others());
  IN_CHILD("exec", {
    int ruleset = create(READ_FILE, 0, 0);
    allow(ruleset, "/usr", READ_FILE);
    allow(ruleset, "/lib", READ_FILE);
    allow(ruleset, "/etc", READ_FILE);
    char self[256];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n] = 0;
    allow(ruleset, self, READ_FILE);
    allow(ruleset, "in", READ_FILE);
    enforce(ruleset);
    execl(self, self, "again", NULL);
    printf("exec: %s\n", error_name(errno));
  });
  return 0;
}
