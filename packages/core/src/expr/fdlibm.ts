/**
 * Logarithms, the exponential function and powers with IEEE operations only, after fdlibm 5.3, so
 * that every machine gives the same bits. `log2` is that of the same family in FreeBSD.
 *
 * Copyright (C) 1993, 2004 by Sun Microsystems, Inc. All rights reserved. Permission to use, copy,
 * modify, and distribute this software is freely granted, provided that this notice is preserved.
 */

const view = new DataView(new ArrayBuffer(8));

/** The high 32 bits of a double, signed. */
function high(x: number): number {
  view.setFloat64(0, x);
  return view.getInt32(0);
}

/** The low 32 bits of a double, unsigned. */
function low(x: number): number {
  view.setFloat64(0, x);
  return view.getUint32(4);
}

function withHigh(x: number, bits: number): number {
  view.setFloat64(0, x);
  view.setInt32(0, bits);
  return view.getFloat64(0);
}

function withoutLow(x: number): number {
  view.setFloat64(0, x);
  view.setUint32(4, 0);
  return view.getFloat64(0);
}

const TWO54 = 18014398509481984;
const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;

// The polynomial of log and log1p.
const LG1 = 6.66666666666673513e-1;
const LG2 = 3.999999999940941908e-1;
const LG3 = 2.857142874366239149e-1;
const LG4 = 2.222219843214978396e-1;
const LG5 = 1.818357216161805012e-1;
const LG6 = 1.531383769920937332e-1;
const LG7 = 1.479819860511658591e-1;

/** The natural logarithm of a positive number. */
export function log(of: number): number {
  let x = of;
  let k = 0;
  let bits = high(x);
  if (bits < 0x00100000) {
    k -= 54;
    x *= TWO54;
    bits = high(x);
  }
  if (bits >= 0x7ff00000) return x + x;
  k += (bits >> 20) - 1023;
  bits &= 0x000fffff;
  const i = (bits + 0x95f64) & 0x100000;
  x = withHigh(x, bits | (i ^ 0x3ff00000));
  k += i >> 20;
  const f = x - 1;
  if ((0x000fffff & (2 + bits)) < 3) {
    if (f === 0) return k === 0 ? 0 : k * LN2_HIGH + k * LN2_LOW;
    const r = f * f * (0.5 - 0.33333333333333333 * f);
    return k === 0 ? f - r : k * LN2_HIGH - (r - k * LN2_LOW - f);
  }
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const t1 = w * (LG2 + w * (LG4 + w * LG6));
  const t2 = z * (LG1 + w * (LG3 + w * (LG5 + w * LG7)));
  const r = t2 + t1;
  if (((bits - 0x6147a) | (0x6b851 - bits)) > 0) {
    const halfSquare = 0.5 * f * f;
    return k === 0
      ? f - (halfSquare - s * (halfSquare + r))
      : k * LN2_HIGH - (halfSquare - (s * (halfSquare + r) + k * LN2_LOW) - f);
  }
  return k === 0 ? f - s * (f - r) : k * LN2_HIGH - (s * (f - r) - k * LN2_LOW - f);
}

const LOG10_OF_E = Math.LOG10E;
const LOG10_OF_2_HIGH = 3.01029995663611771306e-1;
const LOG10_OF_2_LOW = 3.69423907715893078616e-13;

/** The logarithm to base 10 of a positive number. */
export function log10(of: number): number {
  let x = of;
  let k = 0;
  let bits = high(x);
  if (bits < 0x00100000) {
    k -= 54;
    x *= TWO54;
    bits = high(x);
  }
  if (bits >= 0x7ff00000) return x + x;
  k += (bits >> 20) - 1023;
  const i = k < 0 ? 1 : 0;
  bits = (bits & 0x000fffff) | ((0x3ff - i) << 20);
  const y = k + i;
  const z = y * LOG10_OF_2_LOW + LOG10_OF_E * log(withHigh(x, bits));
  return z + y * LOG10_OF_2_HIGH;
}

const LOG2_OF_E_HIGH = 1.44269504072144627571;
const LOG2_OF_E_LOW = 1.67517131648865118353e-10;

/** The logarithm to base 2 of a positive number. */
export function log2(of: number): number {
  let x = of;
  let k = 0;
  let bits = high(x);
  if (bits < 0x00100000) {
    k -= 54;
    x *= TWO54;
    bits = high(x);
  }
  if (bits >= 0x7ff00000) return x + x;
  if (bits === 0x3ff00000 && low(x) === 0) return 0;
  k += (bits >> 20) - 1023;
  bits &= 0x000fffff;
  const i = (bits + 0x95f64) & 0x100000;
  x = withHigh(x, bits | (i ^ 0x3ff00000));
  k += i >> 20;
  const y = k;
  const f = x - 1;
  const halfSquare = 0.5 * f * f;
  // k_log1p of FreeBSD: log(1 + f) − f + f²/2.
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const t1 = w * (LG2 + w * (LG4 + w * LG6));
  const t2 = z * (LG1 + w * (LG3 + w * (LG5 + w * LG7)));
  const r = s * (halfSquare + (t2 + t1));
  const hi = withoutLow(f - halfSquare);
  const lo = f - hi - halfSquare + r;
  let valueHigh = hi * LOG2_OF_E_HIGH;
  let valueLow = (lo + hi) * LOG2_OF_E_LOW + lo * LOG2_OF_E_HIGH;
  const sum = y + valueHigh;
  valueLow += y - sum + valueHigh;
  valueHigh = sum;
  return valueLow + valueHigh;
}

/** The natural logarithm of 1 + x, for x > −1. */
export function log1p(x: number): number {
  const bits = high(x);
  const magnitude = bits & 0x7fffffff;
  let k = 1;
  let f = 0;
  let highU = 1;
  let c = 0;
  if (bits < 0x3fda827a) {
    if (magnitude < 0x3e200000) {
      if (magnitude < 0x3c900000) return x;
      return x - x * x * 0.5;
    }
    if (bits > 0 || bits <= (0xbfd2bec3 | 0)) {
      k = 0;
      f = x;
      highU = 1;
    }
  }
  if (bits >= 0x7ff00000) return x + x;
  if (k !== 0) {
    let u: number;
    if (bits < 0x43400000) {
      u = 1 + x;
      highU = high(u);
      k = (highU >> 20) - 1023;
      c = k > 0 ? 1 - (u - x) : x - (u - 1);
      c /= u;
    } else {
      u = x;
      highU = high(u);
      k = (highU >> 20) - 1023;
      c = 0;
    }
    highU &= 0x000fffff;
    if (highU < 0x6a09e) u = withHigh(u, highU | 0x3ff00000);
    else {
      k += 1;
      u = withHigh(u, highU | 0x3fe00000);
      highU = (0x00100000 - highU) >> 2;
    }
    f = u - 1;
  }
  const halfSquare = 0.5 * f * f;
  if (highU === 0) {
    if (f === 0) {
      if (k === 0) return 0;
      c += k * LN2_LOW;
      return k * LN2_HIGH + c;
    }
    const r = halfSquare * (1 - 0.66666666666666666 * f);
    return k === 0 ? f - r : k * LN2_HIGH - (r - (k * LN2_LOW + c) - f);
  }
  const s = f / (2 + f);
  const z = s * s;
  const r = z * (LG1 + z * (LG2 + z * (LG3 + z * (LG4 + z * (LG5 + z * (LG6 + z * LG7))))));
  return k === 0
    ? f - (halfSquare - s * (halfSquare + r))
    : k * LN2_HIGH - (halfSquare - (s * (halfSquare + r) + (k * LN2_LOW + c)) - f);
}

const EXP_OVERFLOW = 7.09782712893383973096e2;
const EXP_UNDERFLOW = -7.4513321910194110842e2;
const LOG2_OF_E = Math.LOG2E;
const TWO_M1000 = 9.3326361850321887899e-302;
const P1 = 1.66666666666666019037e-1;
const P2 = -2.77777777770155933842e-3;
const P3 = 6.61375632143793436117e-5;
const P4 = -1.6533902205465251539e-6;
const P5 = 4.13813679705723846039e-8;

/** e to the power of x. */
export function exp(of: number): number {
  let x = of;
  let magnitude = high(x);
  const isNegative = magnitude < 0;
  magnitude &= 0x7fffffff;
  if (magnitude >= 0x40862e42) {
    if (x > EXP_OVERFLOW) return Infinity;
    if (x < EXP_UNDERFLOW) return 0;
  }
  let hi = 0;
  let lo = 0;
  let k = 0;
  if (magnitude > 0x3fd62e42) {
    if (magnitude < 0x3ff0a2b2) {
      hi = x - (isNegative ? -LN2_HIGH : LN2_HIGH);
      lo = isNegative ? -LN2_LOW : LN2_LOW;
      k = isNegative ? -1 : 1;
    } else {
      k = Math.trunc(LOG2_OF_E * x + (isNegative ? -0.5 : 0.5));
      hi = x - k * LN2_HIGH;
      lo = k * LN2_LOW;
    }
    x = hi - lo;
  } else if (magnitude < 0x3e300000) return 1 + x;
  const t = x * x;
  const c = x - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
  if (k === 0) return 1 - ((x * c) / (c - 2) - x);
  const y = 1 - (lo - (x * c) / (2 - c) - hi);
  if (k >= -1021) return withHigh(y, high(y) + (k << 20));
  return withHigh(y, high(y) + ((k + 1000) << 20)) * TWO_M1000;
}

const BP = [1, 1.5] as const;
const DP_HIGH = [0, 5.84962487220764160156e-1] as const;
const DP_LOW = [0, 1.35003920212974897128e-8] as const;
const L1 = 5.99999999999994648725e-1;
const L2 = 4.28571428578550184252e-1;
const L3 = 3.33333329818377432918e-1;
const L4 = 2.72728123808534006489e-1;
const L5 = 2.30660745775561754067e-1;
const L6 = 2.06975017800338417784e-1;
const LN2 = Math.LN2;
const LG2_HIGH = 6.93147182464599609375e-1;
const LG2_LOW = -1.90465429995776804525e-9;
const OVERFLOW_TAIL = 8.0085662595372944372e-17;
const CP = 9.61796693925975554329e-1;
const CP_HIGH = 9.61796700954437255859e-1;
const CP_LOW = -7.02846165095275826516e-9;
const IVLN2 = Math.LOG2E;
const IVLN2_HIGH = 1.44269502162933349609;
const IVLN2_LOW = 1.92596299112661746887e-8;

/** x to the power of y, for finite numbers. */
export function pow(x: number, y: number): number {
  const highX = high(x);
  const lowX = low(x);
  const highY = high(y);
  const lowY = low(y);
  const absHighX = highX & 0x7fffffff;
  const absHighY = highY & 0x7fffffff;
  if ((absHighY | lowY) === 0) return 1;

  // Whether y is an integer, if x is negative: 0 no, 1 odd, 2 even.
  let integerY = 0;
  if (highX < 0) {
    if (absHighY >= 0x43400000) integerY = 2;
    else if (absHighY >= 0x3ff00000) {
      const exponent = (absHighY >> 20) - 0x3ff;
      if (exponent > 20) {
        const j = lowY >>> (52 - exponent);
        if ((j << (52 - exponent)) >>> 0 === lowY) integerY = 2 - (j & 1);
      } else if (lowY === 0) {
        const j = absHighY >> (20 - exponent);
        if (j << (20 - exponent) === absHighY) integerY = 2 - (j & 1);
      }
    }
  }
  if (lowY === 0) {
    if (absHighY === 0x3ff00000) return highY < 0 ? 1 / x : x;
    if (highY === 0x40000000) return x * x;
    if (highY === 0x3fe00000 && highX >= 0) return Math.sqrt(x);
  }
  let ax = Math.abs(x);
  if (lowX === 0 && (absHighX === 0 || absHighX === 0x3ff00000)) {
    let z = highY < 0 ? 1 / ax : ax;
    if (highX < 0) {
      if (((absHighX - 0x3ff00000) | integerY) === 0) z = NaN;
      else if (integerY === 1) z = -z;
    }
    return z;
  }
  if (highX < 0 && integerY === 0) return NaN;
  const sign = highX < 0 && integerY === 1 ? -1 : 1;
  const zero = sign < 0 ? -0 : 0;

  let t1: number;
  let t2: number;
  if (absHighY > 0x41e00000) {
    // |y| is huge: above 2^31.
    if (absHighY > 0x43f00000) {
      if (absHighX <= 0x3fefffff) return highY < 0 ? Infinity : 0;
      if (absHighX >= 0x3ff00000) return highY > 0 ? Infinity : 0;
    }
    if (absHighX < 0x3fefffff) return highY < 0 ? sign * Infinity : zero;
    if (absHighX > 0x3ff00000) return highY > 0 ? sign * Infinity : zero;
    const t = ax - 1;
    const w = t * t * (0.5 - t * (0.3333333333333333333333 - t * 0.25));
    const u = IVLN2_HIGH * t;
    const v = t * IVLN2_LOW - w * IVLN2;
    t1 = withoutLow(u + v);
    t2 = v - (t1 - u);
  } else {
    let n = 0;
    let bits = absHighX;
    if (bits < 0x00100000) {
      ax *= 9007199254740992;
      n -= 53;
      bits = high(ax);
    }
    n += (bits >> 20) - 0x3ff;
    const j = bits & 0x000fffff;
    bits = j | 0x3ff00000;
    let k: 0 | 1 = 0;
    if (j <= 0x3988e) k = 0;
    else if (j < 0xbb67a) k = 1;
    else {
      n += 1;
      bits -= 0x00100000;
    }
    ax = withHigh(ax, bits);
    const u = ax - BP[k];
    const v = 1 / (ax + BP[k]);
    const ss = u * v;
    const sHigh = withoutLow(ss);
    const tHigh = withHigh(0, ((bits >> 1) | 0x20000000) + 0x00080000 + (k << 18));
    const tLow = ax - (tHigh - BP[k]);
    const sLow = v * (u - sHigh * tHigh - sHigh * tLow);
    let s2 = ss * ss;
    let r = s2 * s2 * (L1 + s2 * (L2 + s2 * (L3 + s2 * (L4 + s2 * (L5 + s2 * L6)))));
    r += sLow * (sHigh + ss);
    s2 = sHigh * sHigh;
    const rHigh = withoutLow(3 + s2 + r);
    const rLow = r - (rHigh - 3 - s2);
    const product = sHigh * rHigh;
    const rest = sLow * rHigh + rLow * ss;
    const pHigh = withoutLow(product + rest);
    const pLow = rest - (pHigh - product);
    const zHigh = CP_HIGH * pHigh;
    const zLow = CP_LOW * pHigh + pLow * CP + DP_LOW[k];
    const t = n;
    t1 = withoutLow(zHigh + zLow + DP_HIGH[k] + t);
    t2 = zLow - (t1 - t - DP_HIGH[k] - zHigh);
  }

  const y1 = withoutLow(y);
  const pLow = (y - y1) * t1 + y * t2;
  let pHigh = y1 * t1;
  let z = pLow + pHigh;
  const j = high(z);
  const i = low(z);
  if (j >= 0x40900000) {
    if (((j - 0x40900000) | i) !== 0) return sign * Infinity;
    if (pLow + OVERFLOW_TAIL > z - pHigh) return sign * Infinity;
  } else if ((j & 0x7fffffff) >= 0x4090cc00) {
    if (((j - (0xc090cc00 | 0)) | i) !== 0) return zero;
    if (pLow <= z - pHigh) return zero;
  }
  // 2^(pHigh + pLow)
  const magnitude = j & 0x7fffffff;
  let k = (magnitude >> 20) - 0x3ff;
  let n = 0;
  if (magnitude > 0x3fe00000) {
    n = j + (0x00100000 >> (k + 1));
    k = ((n & 0x7fffffff) >> 20) - 0x3ff;
    const t = withHigh(0, n & ~(0x000fffff >> k));
    n = ((n & 0x000fffff) | 0x00100000) >> (20 - k);
    if (j < 0) n = -n;
    pHigh -= t;
  }
  const t = withoutLow(pLow + pHigh);
  const u = t * LG2_HIGH;
  const v = (pLow - (t - pHigh)) * LN2 + t * LG2_LOW;
  z = u + v;
  const w = v - (z - u);
  const square = z * z;
  const c = z - square * (P1 + square * (P2 + square * (P3 + square * (P4 + square * P5))));
  const r = (z * c) / (c - 2) - (w + z * w);
  z = 1 - (r - z);
  const bits = high(z) + (n << 20);
  if (bits >> 20 <= 0) return sign * scaled(z, n);
  return sign * withHigh(z, bits);
}

/** x · 2^n where the result is subnormal. */
function scaled(x: number, n: number): number {
  const bits = high(x);
  const k = ((bits & 0x7ff00000) >> 20) + n;
  if (k <= -54) return 0;
  return withHigh(x, (bits & (0x800fffff | 0)) | ((k + 54) << 20)) * 5.55111512312578270212e-17;
}
