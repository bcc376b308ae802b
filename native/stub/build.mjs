/** Builds the stub: freestanding objects, linked flat at STUB_BASE, wrapped as an object that the launcher links. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const stubSources = ["header.S", "entry.S", "copy.S", "serve.c", "fpu.c", "ops.c", "prefetch.c", "ring.c", "signals.c", "thread.c"];
const stubFlags = [
  "-O2",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-std=gnu11",
  "-ffreestanding",
  "-fno-stack-protector",
  "-fcf-protection=none",
  "-fPIE",
  "-fvisibility=hidden",
  "-mgeneral-regs-only",
  "-mno-red-zone",
  "-fno-tree-loop-distribute-patterns",
  "-fno-asynchronous-unwind-tables",
  "-fno-jump-tables",
  "-nostdinc",
  "-mfsgsbase",
  "-mxsave",
];

/** Returns the object files to link into the launcher: the blob and zygote.c. */
export const buildStub = (cc, outDir) => {
  mkdirSync(outDir, { recursive: true });
  const run = (program, args) => execFileSync(program, args, { cwd: here, stdio: ["ignore", "inherit", "inherit"] });
  const objects = stubSources.map((source) => {
    const object = join(outDir, `stub-${source}.o`);
    run(cc, [...(source.endsWith(".c") ? stubFlags : []), "-c", source, "-o", object]);
    return object;
  });
  const elf = join(outDir, "stub.elf");
  const blob = join(outDir, "stub.bin");
  run(cc, [
    "-nostdlib",
    "-static",
    "-no-pie",
    "-Wl,--build-id=none",
    "-Wl,-T,stub.ld",
    "-Wl,--no-warn-rwx-segments",
    ...objects,
    "-o",
    elf,
  ]);
  run("objcopy", ["-O", "binary", "-j", ".text", elf, blob]);
  const wrapper = join(outDir, "blob.S");
  writeFileSync(
    wrapper,
    `  .section .rodata\n  .globl stub_blob, stub_blob_end\nstub_blob:\n  .incbin "${blob}"\nstub_blob_end:\n  .section .note.GNU-stack,"",@progbits\n`,
  );
  const blobObject = join(outDir, "blob.o");
  const zygoteObject = join(outDir, "zygote.o");
  run(cc, ["-c", wrapper, "-o", blobObject]);
  run(cc, ["-O2", "-Wall", "-Wextra", "-Werror", "-std=gnu11", "-c", "zygote.c", "-o", zygoteObject]);
  return [blobObject, zygoteObject];
};
