/** Whole programs, run by /bin/sh in an empty directory. */
export const programs = [
  { name: "python3 -c 'import json, asyncio, sqlite3'", command: "/usr/bin/python3 -c 'import json, asyncio, sqlite3'" },
  { name: "bash: 300 forks of coreutils", command: "bash -c 'for i in $(seq 150); do /bin/true; /bin/echo x; done >/dev/null'" },
  { name: "find /usr | wc -l", command: "find /usr | wc -l" },
  {
    name: "git init, add, commit of 500 files",
    command: [
      "mkdir r && cd r && git init -q .",
      "for i in $(seq 500); do echo line $i > file$i; done",
      "git add . && git -c user.name=a -c user.email=a@b commit -qm first",
    ].join(" && "),
  },
  {
    name: "gcc -O1 of a C file",
    command:
      "printf '#include <stdio.h>\\n#include <stdlib.h>\\nint main(void){printf(\"%%d\\\\n\", abs(-3));}\\n' > a.c && gcc -O1 a.c -o a && ./a",
  },
  {
    name: "tar + gzip of 50 MB",
    command: "mkdir d && for i in 1 2 3 4 5; do head -c 10000000 /dev/zero | tr '\\0' \"$i\" > d/$i; done && tar cf - d | gzip -1 | wc -c",
  },
];
