/** What a container takes over from namespaces that config.json names by path. */
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { ContainerError } from "./container-error.ts";
import type { Store } from "./store.ts";

/** Moat's containers have no host namespace of this kind: one is known by its monitor's pid. */
const hostnameOfContainer = (store: Store, path: string): string | null => {
  const pid = /^\/proc\/([0-9]+)\/ns\/uts$/.exec(path)?.[1];
  if (pid === undefined) return null;
  for (const id of store.ids()) {
    try {
      const stored = store.read(id);
      if (stored.pid === Number(pid)) return stored.hostname;
    } catch {
      // Being made, or being deleted.
    }
  }
  return null;
};

/** The host name in the UTS namespace that the container is to live in: "" the host's, "new", or a path. */
export const sharedHostname = (store: Store, namespace: string, own: string): string => {
  if (namespace === "" || namespace === "new") return own;
  const known = hostnameOfContainer(store, namespace);
  if (known !== null) return known;
  let inode: number;
  try {
    inode = statSync(namespace).ino;
  } catch {
    throw new ContainerError(`unable to create new parent process: namespace path: lstat ${namespace}: no such file or directory`);
  }
  if (inode === statSync("/proc/self/ns/uts").ino) return own;
  const result = spawnSync("nsenter", [`--uts=${namespace}`, "uname", "-n"], { encoding: "latin1" });
  if (result.status !== 0) throw new ContainerError(`linux.namespaces: cannot enter the UTS namespace ${namespace}`);
  return result.stdout.trimEnd();
};
