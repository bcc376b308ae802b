/**
 * Filters in the form that the kernel takes (base64), by their rules as JSON. None here: in the bundles the build puts what it
 * has compiled in this module's place (tools/filters.mjs), so that a sandbox's start does not load libseccomp.
 */
export const precompiled: Readonly<Record<string, string>> = {};
