/** Writes struct sock_filter, one after the other. */

const INSTRUCTION_SIZE = 8;

export interface InstructionWriter {
  emit(code: number, jumpTrue: number, jumpFalse: number, value: number): void;
  /** What was written, with `bpf` behind it. */
  finish(bpf: Uint8Array): Uint8Array;
}

export const instructionWriter = (): InstructionWriter => {
  const words: (readonly [number, number, number, number])[] = [];
  return {
    emit: (...word) => {
      words.push(word);
    },
    finish: (bpf) => {
      const program = new Uint8Array(words.length * INSTRUCTION_SIZE + bpf.length);
      const view = new DataView(program.buffer);
      words.forEach(([code, jumpTrue, jumpFalse, value], index) => {
        const at = index * INSTRUCTION_SIZE;
        view.setUint16(at, code, true);
        view.setUint8(at + 2, jumpTrue);
        view.setUint8(at + 3, jumpFalse);
        view.setUint32(at + 4, value, true);
      });
      program.set(bpf, words.length * INSTRUCTION_SIZE);
      return program;
    },
  };
};
