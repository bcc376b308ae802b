import { EAGAIN, EFAULT, EINVAL } from "../../abi/errno.ts";
import { MAP_ANONYMOUS, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } from "../../abi/mman.ts";
import { implement } from "../implement.ts";
import { AioContext, contextsOf } from "./context.ts";

/** /proc/sys/fs/aio-max-nr */
const MAX_REQUESTS = 65536;
/** ioctx_alloc(): more events than this fill 256 MB with their ring, which is twice as long. */
const MAX_EVENTS = 0x1000_0000 / 32 / 2;

/**
 * io_setup(2). The id is the address of a page of zeros where Linux maps its ring: libaio
 * looks there for a magic number and makes the system call when it finds none.
 */
export const sys_io_setup = implement("io_setup", { level: "full" }, (task, count, contextAddr) => {
  const present = task.memory.loadU64(contextAddr);
  if (present < 0) return EFAULT;
  if (present !== 0 || count === 0 || count > MAX_EVENTS) return EINVAL;
  if (count > MAX_REQUESTS) return EAGAIN;
  const id = task.mm.mmap(task, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, null, 0);
  if (id < 0) return id;
  if (task.memory.storeU64(contextAddr, id) < 0) {
    task.mm.munmap(task, id, PAGE_SIZE);
    return EFAULT;
  }
  contextsOf(task).set(id, new AioContext(count));
  return 0;
});

/** io_destroy(2) */
export const sys_io_destroy = implement("io_destroy", { level: "full" }, (task, id) => {
  const context = contextsOf(task).get(id);
  if (context === undefined) return EINVAL;
  contextsOf(task).delete(id);
  context.destroy();
  task.mm.munmap(task, id, PAGE_SIZE);
  return 0;
});
