// The clock of a round and the numbers that look random: what ../../protocol has, once more for node.
"use strict";

// The running clock of a round: `while (meter.more()) operation`, then `finish`. A batch of 1 gives percentiles.
class Meter {
  constructor(batch, limit, budget) {
    Object.assign(this, { batch, limit, budget: budget * 1e6, left: 0, ops: 0, laps: [] });
    this.start = this.last = now();
  }

  // Whether the round goes on; counts the operation that follows.
  more() {
    if (this.left > 0) {
      this.left -= 1;
      return true;
    }
    if (this.batch === 1 && this.ops > 0) {
      const at = now();
      this.laps.push(at - this.last);
      this.last = at;
    }
    let batch = this.batch;
    if (this.limit !== undefined) batch = Math.min(batch, this.limit - this.ops);
    else if (this.ops > 0 && now() - this.start >= this.budget) batch = 0;
    if (batch === 0) {
      this.last = now();
      return false;
    }
    this.ops += batch;
    this.left = batch - 1;
    return true;
  }

  finish() {
    const sample = { ns: Math.round(this.last - this.start), ops: this.ops, counts: {} };
    const laps = this.laps.sort((one, other) => one - other);
    for (const [name, permille] of [["p50", 500], ["p99", 990], ["p999", 999]]) {
      const at = Math.min(Math.floor((laps.length * permille) / 1000), laps.length - 1);
      if (at >= 0) sample[name] = Math.round(laps[at]);
    }
    return sample;
  }
}

function now() {
  return performance.now() * 1e6;
}

// The same numbers as every worker has (xorshift64*), made beforehand: node's 64-bit integers are slow. After the last
// they begin again.
class Random {
  constructor(seed, most, count = 1 << 19) {
    const mask = (1n << 64n) - 1n;
    let state = ((seed * 0x9e3779b97f4a7c15n) & mask) | 1n;
    this.keys = new Float64Array(count);
    this.at = 0;
    for (let place = 0; place < count; place += 1) {
      state ^= state >> 12n;
      state = (state ^ (state << 25n)) & mask;
      state ^= state >> 27n;
      const random = ((state * 0x2545f4914f6cdd1dn) & mask) >> 32n;
      this.keys[place] = Number((random * BigInt(most)) >> 32n) + 1;
    }
  }

  // The next number from 1 to the most.
  key() {
    const key = this.keys[this.at];
    this.at = (this.at + 1) % this.keys.length;
    return key;
  }
}

module.exports = { Meter, Random };
