/** The same program, without private names. */
export const openPrivateNames: (source: string) => string;
