/**
 * Numbers texts in the order in which they come.
 * A Map does the same. For half a million texts whose hashes are needed anyway, this class takes
 * half of its time.
 */

const SPREAD = 0x9e37_79b1;

export class KeyNumbers {
  readonly texts: string[] = [];
  /** The hash of each text, by its number. */
  hashes: Uint32Array = new Uint32Array(1024);
  /** A hash table with open addressing, at most half full. A slot holds a number + 1, or 0. */
  private slots = new Int32Array(2048);
  /**
   * The shift that leaves as many upper bits of 32 as there are slots.
   * The lower bits are equal within a group of entities.
   */
  private shift = 21;

  /** Returns the number of a text. A new text gets the next number. */
  add(text: string, hash: number): number {
    const slot = this.slotOf(text, hash);
    const known = this.slots[slot]! - 1;
    if (known >= 0) return known;
    const number = this.texts.length;
    this.texts.push(text);
    this.hashes[number] = hash;
    this.slots[slot] = number + 1;
    if (number + 1 === this.hashes.length) this.grow();
    return number;
  }

  private slotOf(text: string, hash: number): number {
    const { slots, hashes, texts, shift } = this;
    const mask = slots.length - 1;
    let slot = Math.imul(hash, SPREAD) >>> shift;
    for (;;) {
      const number = slots[slot]! - 1;
      if (number < 0 || (hashes[number] === hash && texts[number] === text)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private grow(): void {
    const hashes = new Uint32Array(this.hashes.length * 2);
    hashes.set(this.hashes);
    this.hashes = hashes;
    const slots = new Int32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    this.shift--;
    for (let number = 0; number < this.texts.length; number++) {
      let slot = Math.imul(hashes[number]!, SPREAD) >>> this.shift;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.slots = slots;
  }
}
