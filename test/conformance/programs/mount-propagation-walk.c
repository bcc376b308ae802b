/* Long pseudo-random walks of binds, moves, unmounts and changes of propagation over three namespaces: the trees that
 * come out, with their groups, are printed as numbers. With arguments (seed, steps) one walk is printed in full. */
#include "../check.h"
#include <sys/mount.h>

#define MOST 4000
struct mount {
  int id, parent, shared, master, from, unbindable;
  char root[100], point[200];
};
static struct mount all[MOST];
static int count, numbers[MOST], known;
static unsigned long hash;
static int is_verbose;
static char base[200];

static unsigned long state;
static unsigned pick(unsigned n) {
  state = state * 6364136223846793005ul + 1442695040888963407ul;
  return (unsigned)(state >> 33) % n;
}

static int number(int group) {
  if (!group) return 0;
  for (int i = 0; i < known; i++)
    if (numbers[i] == group) return i + 1;
  numbers[known++] = group;
  return known;
}

static void add(const char *text) {
  if (is_verbose) printf("%s", text);
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211ul;
}

static int by_point(const void *a, const void *b) { return strcmp(((const struct mount *)a)->point, ((const struct mount *)b)->point); }

static void show(const struct mount *m, int depth) {
  char line[600];
  snprintf(line, sizeof line, "%*s%s %s shared %d master %d from %d%s\n", depth * 2, "", m->point + strlen(base), m->root, number(m->shared),
           number(m->master), number(m->from), m->unbindable ? " unbindable" : "");
  add(line);
  if (depth > 60) return;
  for (int i = 0; i < count; i++)
    if (all[i].parent == m->id && all[i].id != m->id) show(&all[i], depth + 1);
}

static void read_tree(void) {
  FILE *f = fopen("/proc/self/mountinfo", "r");
  char line[1000];
  count = 0;
  while (fgets(line, sizeof line, f) && count < MOST) {
    struct mount *m = &all[count];
    memset(m, 0, sizeof *m);
    if (sscanf(line, "%d %d %*s %99s %199s", &m->id, &m->parent, m->root, m->point) != 4) continue;
    if (strncmp(m->point, base, strlen(base))) continue;
    char *end = strstr(line, " - "), *p;
    *end = 0;
    if ((p = strstr(line, " shared:"))) m->shared = atoi(p + 8);
    if ((p = strstr(line, " master:"))) m->master = atoi(p + 8);
    if ((p = strstr(line, " propagate_from:"))) m->from = atoi(p + 16);
    m->unbindable = strstr(line, " unbindable") != NULL;
    count++;
  }
  fclose(f);
  /* A stack of mounts on one name is a chain of parents: one order of children is enough. */
  qsort(all, count, sizeof *all, by_point);
}

static int namespaces[3], total, now;

static void enter(int which) {
  if (setns(namespaces[which], CLONE_NEWNS)) perror("setns");
  if (chdir(base)) perror("chdir");
  now = which;
}

static void state_of_all(void) {
  int was = now;
  known = 0;
  for (int i = 0; i < total; i++) {
    char text[40];
    enter(i);
    snprintf(text, sizeof text, "namespace %d\n", i);
    add(text);
    read_tree();
    for (int k = 0; k < count; k++) {
      int is_top = 1;
      for (int j = 0; j < count; j++)
        if (all[j].id == all[k].parent && j != k) is_top = 0;
      if (is_top) show(&all[k], 0);
    }
  }
  enter(was);
}

static const char *path(void) {
  static char texts[4][20];
  static int at;
  char *text = texts[at++ % 4];
  static const char *const first[] = {"a", "b", "c"}, *const second[] = {"", "", "/a", "/b", "/a/a"};
  unsigned x = pick(3), y = pick(5);
  snprintf(text, 20, "%s%s", first[x], second[y]);
  return text;
}

static void directories(const char *where) {
  static const char *const names[] = {"a", "b", "c", "a/a", "b/a", "c/a", "a/b", "b/b", "c/b", "a/a/a", "b/a/a", "c/a/a"};
  char text[300];
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(text, sizeof text, "%s/%s", where, names[i]);
    mkdir(text, 0755);
  }
}

static long said(const char *what, const char *p, const char *q, long result) {
  char line[200];
  snprintf(line, sizeof line, "%s %s %s: %s\n", what, p, q, result < 0 ? error_name(errno) : "done");
  add(line);
  return result;
}

static void step(void) {
  static const unsigned long types[] = {MS_SHARED, MS_SHARED, MS_SHARED, MS_SLAVE, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE};
  const char *p = path(), *q = path();
  unsigned type = pick(7), is_recursive = pick(2), what = pick(26);
  read_tree();
  if (count > 60) {
    static const char *const firsts[] = {"a", "b", "c"};
    while (!umount2(firsts[pick(3)], MNT_DETACH)) {
    }
    said("clear", "", "", 0);
  }
  switch (what) {
  case 0: case 1: case 2:
    said("bind", p, q, mount(p, q, NULL, MS_BIND, NULL));
    break;
  case 3: case 4: case 5:
    said("rbind", p, q, mount(p, q, NULL, MS_BIND | MS_REC, NULL));
    break;
  case 6: case 7: case 8:
    if (!said("tmpfs", p, "", mount("none", p, "tmpfs", 0, NULL))) directories(p);
    break;
  case 9: case 10:
    said("umount", p, "", umount(p));
    break;
  case 11:
    said("detach", p, "", umount2(p, MNT_DETACH));
    break;
  case 12: case 13: case 14: case 15: case 16: {
    char text[30];
    snprintf(text, sizeof text, "type %lx%s", types[type], is_recursive ? " all" : "");
    said(text, p, "", mount(NULL, p, NULL, types[type] | (is_recursive ? MS_REC : 0), NULL));
    break;
  }
  case 17: case 18:
    said("move", p, q, mount(p, q, NULL, MS_MOVE, NULL));
    break;
  case 19: case 20:
    said("beneath", p, q, syscall(429, AT_FDCWD, p, AT_FDCWD, q, 0x200));
    break;
  case 21: case 22:
    said("group", p, q, syscall(429, AT_FDCWD, p, AT_FDCWD, q, 0x100));
    break;
  case 23: {
    int fd = syscall(428, AT_FDCWD, p, 1 | (is_recursive ? 0x8000 : 0));
    said("tree", p, "", fd);
    if (fd >= 0) said("place", p, q, syscall(429, fd, "", AT_FDCWD, q, 4));
    close(fd);
    break;
  }
  case 24:
    if (total < 3) {
      said("unshare", "", "", unshare(CLONE_NEWNS));
      now = total;
      namespaces[total++] = open("/proc/self/ns/mnt", O_RDONLY);
      enter(now);
      break;
    } /* fall through */
  default:
    enter(pick(total));
    said("enter", "", "", 0);
  }
  state_of_all();
}

static void walk(unsigned long seed, int steps) {
  if (unshare(CLONE_NEWNS)) printf("unshare: %s\n", error_name(errno));
  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  if (mount("none", base, "tmpfs", 0, NULL)) printf("mount: %s\n", error_name(errno));
  if (seed % 3) mount(NULL, base, NULL, MS_SHARED, NULL);
  total = now = 0;
  namespaces[total++] = open("/proc/self/ns/mnt", O_RDONLY);
  chdir(base);
  directories(".");
  state = seed * 7919;
  hash = 14695981039346656037ul;
  for (int i = 0; i < steps; i++) step();
  printf("walk %lu: %016lx\n", seed, hash);
}

int main(int argc, char **argv) {
  mkdir("walk", 0755);
  if (!realpath("walk", base)) return 1;
  if (argc > 2) {
    is_verbose = 1;
    walk(atol(argv[1]), atoi(argv[2]));
    return 0;
  }
  for (unsigned long seed = argc > 1 ? atol(argv[1]) : 1; seed <= (argc > 1 ? atol(argv[1]) + 200 : 24); seed++) IN_CHILD("walk", walk(seed, 60));
  return 0;
}
