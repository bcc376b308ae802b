/** linux.sysctl: what belongs to a network namespace is written there when the container is made, as runc does. */
import type { Field } from "./field.ts";

/** A file below /proc/sys and what is written to it. */
export interface NetworkSysctl {
  readonly key: string;
  readonly path: string;
  readonly value: string;
}

/** sysctl.conf(5): the first separator of a key says whether names go by dots or slashes. */
const pathOf = (key: string): string => (/^[^./]*\//.test(key) ? key : key.replaceAll(".", "/"));

/** `network`: as in Spec. Keys of other namespaces are refused. */
export const networkSysctls = (sysctl: Field, network: string): NetworkSysctl[] =>
  sysctl.keys.map((key) => {
    const path = pathOf(key);
    if (!path.startsWith("net/")) sysctl.at(key).refuse("is not supported");
    if (path.split("/").includes("..") || key.includes("\0") || key.includes("=")) sysctl.at(key).refuse("is no name of a sysctl");
    if (network === "") sysctl.at(key).say(`sysctl ${JSON.stringify(key)} is not allowed in the hosts network namespace`);
    const value = sysctl.at(key).text();
    if (value.includes("\0")) sysctl.at(key).refuse("has a NUL");
    return { key, path, value };
  });
