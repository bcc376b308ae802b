/** mounts, linux.devices and linux.rootfsPropagation of config.json. */
import type { DeviceConfig } from "../sandbox/mount-config.ts";
import type { Field } from "./field.ts";
import { parseMountOptions, propagationOf } from "./mount-options.ts";
import type { IdMapping, SpecMount } from "./spec.ts";

const MOUNT_TYPES: ReadonlySet<string> = new Set<SpecMount["type"]>([
  "bind",
  "tmpfs",
  "proc",
  "sysfs",
  "devpts",
  "mqueue",
  "cgroup",
  "overlay",
]);

/** Other names of what is there. */
const ALIASES: Readonly<Record<string, SpecMount["type"]>> = { cgroup2: "cgroup", ramfs: "tmpfs" };

const MAX_ID = 0xffff_ffff;

export const idMappings = (field: Field): IdMapping[] =>
  field.list().map((item) => ({
    containerId: item.at("containerID").integer(0, MAX_ID),
    hostId: item.at("hostID").integer(0, MAX_ID),
    size: item.at("size").integer(1, MAX_ID),
  }));

export const mount = (field: Field): SpecMount => {
  const destination = field.at("destination").text();
  if (destination === "") field.at("destination").refuse("is empty");
  const options = parseMountOptions(field.at("options").texts());
  const uidMappings = idMappings(field.at("uidMappings"));
  const gidMappings = idMappings(field.at("gidMappings"));
  if ((uidMappings.length === 0) !== (gidMappings.length === 0)) field.refuse("needs both uidMappings and gidMappings, or neither");
  const named = field.at("type").text("none");
  const type = options.isBind || named === "bind" ? "bind" : (ALIASES[named] ?? named);
  if (!MOUNT_TYPES.has(type)) field.at("type").refuse(`${JSON.stringify(named)} is not supported`);
  const source = field.at("source");
  if (type === "bind") source.require();
  if (type !== "bind" && (options.isIdMapped || uidMappings.length > 0)) field.refuse("only binds can be id-mapped");
  if (options.copiesUp && type !== "tmpfs") field.at("options").refuse('"tmpcopyup" is for a tmpfs');
  return {
    // A relative destination counts from the root, as with runc.
    destination: destination.startsWith("/") ? destination : `/${destination}`,
    type: type as SpecMount["type"],
    source: source.text(""),
    options,
    uidMappings,
    gidMappings,
    path: field.path,
  };
};

const DEVICE_TYPES = "bcup";
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xf_ffff;

export const device = (field: Field): DeviceConfig => {
  const path = field.at("path");
  const type = field.at("type").text();
  if (type.length !== 1 || !DEVICE_TYPES.includes(type)) field.at("type").refuse(`${JSON.stringify(type)} is none of b, c, u, p`);
  const name = path.text();
  if (name === "") path.refuse("is empty");
  const isPipe = type === "p";
  return {
    path: name.startsWith("/") ? name : `/${name}`,
    type: type === "u" ? "c" : (type as DeviceConfig["type"]),
    major: isPipe ? 0 : field.at("major").integer(0, MAX_MAJOR),
    minor: isPipe ? 0 : field.at("minor").integer(0, MAX_MINOR),
    mode: field.at("fileMode").integer(0, 0xffff_ffff, 0o666) & 0o7777,
    uid: field.at("uid").integer(0, MAX_ID, 0),
    gid: field.at("gid").integer(0, MAX_ID, 0),
  };
};

/** MS_*; 0 without one. */
export const rootPropagation = (field: Field): number => {
  const word = field.text("");
  if (word === "") return 0;
  const type = propagationOf(word);
  if (type === null) return field.refuse(`${JSON.stringify(word)} is not a propagation type`);
  return type;
};
