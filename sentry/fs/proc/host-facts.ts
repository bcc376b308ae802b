/** What is told of the machine: facts from the start-up config, and what follows from them. */

export interface HostFacts {
  /** /proc/cpuinfo's block of one processor, without the blank line. */
  readonly cpuinfo: string;
  /** CPUs that may be used, by number, ascending. */
  readonly cpus: readonly number[];
  readonly memTotalBytes: number;
  readonly kernelRelease: string;
  readonly kernelVersion: string;
}

/** The block again for every processor, numbered as one socket of single-threaded cores. */
export const cpuinfoText = ({ cpuinfo, cpus }: HostFacts): string => {
  let text = "";
  for (const cpu of cpus) {
    const numbers: Readonly<Record<string, number>> = {
      processor: cpu,
      "physical id": 0,
      siblings: cpus.length,
      "core id": cpu,
      "cpu cores": cpus.length,
      apicid: cpu,
      "initial apicid": cpu,
    };
    const lines = cpuinfo === "" ? [`processor\t: ${cpu}`] : cpuinfo.trimEnd().split("\n");
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).trimEnd();
      text += colon > 0 && name in numbers ? `${line.slice(0, colon)}: ${numbers[name]}\n` : `${line}\n`;
    }
    text += "\n";
  }
  return text;
};

/** How many bits a mask of CPUs has. */
export const possibleCpus = ({ cpus }: HostFacts): number => cpus[cpus.length - 1] + 1;

/** A bit mask as %*pb prints it: hexadecimal words of 32 bits, the highest first. */
export const cpuMask = (isSet: (cpu: number) => boolean, count: number): string => {
  const words: string[] = [];
  for (let word = 0; word * 32 < count; word++) {
    let bits = 0;
    const width = Math.min(32, count - word * 32);
    for (let bit = 0; bit < width; bit++) if (isSet(word * 32 + bit)) bits |= 1 << bit;
    words.unshift((bits >>> 0).toString(16).padStart(Math.ceil(width / 4), "0"));
  }
  return words.join(",");
};

/** The same set as %*pbl prints it. */
export const cpuRanges = (isSet: (cpu: number) => boolean, count: number): string => {
  const ranges: string[] = [];
  for (let cpu = 0; cpu < count; cpu++) {
    if (!isSet(cpu)) continue;
    const first = cpu;
    while (cpu + 1 < count && isSet(cpu + 1)) cpu++;
    ranges.push(first === cpu ? String(cpu) : `${first}-${cpu}`);
  }
  return ranges.join(",");
};
