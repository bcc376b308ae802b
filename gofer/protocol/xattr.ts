/** Which extended attributes the gofer shows and takes: the guest's own, and file capabilities, which execve(2) needs. */
export const isReadableXattr = (name: string): boolean => name.startsWith("user.") || name === "security.capability";
