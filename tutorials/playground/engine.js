// The page's numbers: a network's forward and backward pass, votes and attacks.
//
// Everything is float64 and has minidl's meaning: images are 28 x 28 in [0, 1], arrays
// are NHWC, ReLU's gradient at 0 is 0, the first maximum wins a tie in pooling.
"use strict";

const engine = (() => {
  const SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10, F = 8, UNITS = 32;
  const A = SIDE - 2, B = A - 2, P = B / 2, FLAT = P * P * F; // sides after each layer
  const SIZES = [9 * F, F, 9 * F * F, F, FLAT * UNITS, UNITS, UNITS * CLASSES, CLASSES];

  // Activations of the latest forward pass, and the gradients of the latest backward.
  const a1 = new Float64Array(A * A * F), a2 = new Float64Array(B * B * F);
  const pool = new Float64Array(FLAT), first = new Int32Array(FLAT);
  const hidden = new Float64Array(UNITS), dhidden = new Float64Array(UNITS);
  const d1 = new Float64Array(A * A * F), dpool = new Float64Array(FLAT);

  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

  /** Networks of int8 weights q in base64: w = scale q, array by array. */
  function networks(base64, scales) {
    const q = new Int8Array(bytes(base64).buffer);
    let at = 0;
    return scales.map((own) => {
      const net = SIZES.map((size, i) =>
        Float64Array.from(q.subarray(at, (at += size)), (v) => v * own[i]));
      const w2 = net[2], row = 9 * F; // and filter by filter, for the way back
      return [...net, w2.map((_, j) => w2[(j % row) * F + Math.floor(j / row)])];
    });
  }

  /** out = max(0, x * w + b), 3 x 3 and 8 filters. In NHWC the three pixels of a
   * window's row lie side by side, 3 C numbers. */
  function conv(x, side, C, w, b, out) {
    const inner = side - 2, row = 3 * C;
    for (let oy = 0, o = 0; oy < inner; oy++) for (let ox = 0; ox < inner; ox++) {
      let s0 = b[0], s1 = b[1], s2 = b[2], s3 = b[3];
      let s4 = b[4], s5 = b[5], s6 = b[6], s7 = b[7];
      for (let ky = 0, j = 0; ky < 3; ky++) {
        const start = ((oy + ky) * side + ox) * C, end = start + row;
        for (let i = start; i < end; i++, j += F) {
          const v = x[i];
          s0 += v * w[j]; s1 += v * w[j + 1]; s2 += v * w[j + 2]; s3 += v * w[j + 3];
          s4 += v * w[j + 4]; s5 += v * w[j + 5]; s6 += v * w[j + 6]; s7 += v * w[j + 7];
        }
      }
      out[o] = s0 > 0 ? s0 : 0; out[o + 1] = s1 > 0 ? s1 : 0;
      out[o + 2] = s2 > 0 ? s2 : 0; out[o + 3] = s3 > 0 ? s3 : 0;
      out[o + 4] = s4 > 0 ? s4 : 0; out[o + 5] = s5 > 0 ? s5 : 0;
      out[o + 6] = s6 > 0 ? s6 : 0; out[o + 7] = s7 > 0 ? s7 : 0;
      o += F;
    }
  }

  /** The largest of each 2 x 2 window, and where it stands: the first of equals. */
  function maxPool(a, out, where) {
    for (let py = 0, k = 0; py < P; py++) for (let px = 0; px < P; px++) {
      for (let f = 0; f < F; f++, k++) {
        const corner = (2 * py * B + 2 * px) * F + f;
        let best = corner;
        if (a[corner + F] > a[best]) best = corner + F;
        if (a[corner + B * F] > a[best]) best = corner + B * F;
        if (a[corner + B * F + F] > a[best]) best = corner + B * F + F;
        out[k] = a[best];
        where[k] = best;
      }
    }
  }

  /** out = x W + b. Many x are 0 after a ReLU. */
  function linear(x, w, b, out) {
    const M = b.length;
    out.set(b);
    for (let i = 0, row = 0; i < x.length; i++, row += M) {
      const v = x[i];
      if (v !== 0) for (let j = 0; j < M; j++) out[j] += v * w[row + j];
    }
    return out;
  }

  /** dx = dout W^T where x > 0, else 0: back through a ReLU as well. */
  function linearBack(dout, w, x, dx) {
    const M = dout.length;
    for (let i = 0, row = 0; i < x.length; i++, row += M) {
      let s = 0;
      if (x[i] > 0) for (let j = 0; j < M; j++) s += dout[j] * w[row + j];
      dx[i] = s;
    }
  }

  /** The logits z of an image. */
  function forward([w1, b1, w2, b2, w3, b3, w4, b4], x) {
    conv(x, SIDE, 1, w1, b1, a1);
    conv(a1, A, F, w2, b2, a2);
    maxPool(a2, pool, first);
    linear(pool, w3, b3, hidden);
    for (let j = 0; j < UNITS; j++) if (!(hidden[j] > 0)) hidden[j] = 0;
    return linear(hidden, w4, b4, new Float64Array(CLASSES));
  }

  /** dJ/dx of the latest forward pass, of this network, for dJ/dz. */
  function backward([w, , , , w3, , w4, , w2t], dz) {
    linearBack(dz, w4, hidden, dhidden);
    linearBack(dhidden, w3, pool, dpool);
    d1.fill(0); // scattered from the few places that won in pooling
    for (let k = 0; k < FLAT; k++) {
      const g = dpool[k];
      if (g === 0) continue;
      const pixel = (first[k] - k % F) / F, oy = Math.floor(pixel / B);
      let j = (k % F) * 9 * F;
      for (let ky = 0; ky < 3; ky++) {
        const start = ((oy + ky) * A + pixel % B) * F;
        for (let i = start; i < start + 3 * F; i++, j++) d1[i] += g * w2t[j];
      }
    }
    for (let i = 0; i < d1.length; i++) if (!(a1[i] > 0)) d1[i] = 0;
    const dx = new Float64Array(PIXELS);
    for (let oy = 0, o = 0; oy < A; oy++) for (let ox = 0; ox < A; ox++, o += F) {
      const g0 = d1[o], g1 = d1[o + 1], g2 = d1[o + 2], g3 = d1[o + 3];
      const g4 = d1[o + 4], g5 = d1[o + 5], g6 = d1[o + 6], g7 = d1[o + 7];
      for (let ky = 0, j = 0; ky < 3; ky++) for (let kx = 0; kx < 3; kx++, j += F) {
        dx[(oy + ky) * SIDE + ox + kx] += g0 * w[j] + g1 * w[j + 1] + g2 * w[j + 2] +
          g3 * w[j + 3] + g4 * w[j + 4] + g5 * w[j + 5] + g6 * w[j + 6] + g7 * w[j + 7];
      }
    }
    return dx;
  }

  const argmax = (v) => v.reduce((best, value, i) => (value > v[best] ? i : best), 0);

  function softmax(z) {
    const top = z[argmax(z)], e = z.map((v) => Math.exp(v - top));
    const sum = e.reduce((a, b) => a + b);
    return e.map((v) => v / sum);
  }

  /** J = -log softmax(z)_y. */
  function crossEntropy(z, y) {
    const top = z[argmax(z)];
    return top - z[y] + Math.log(z.reduce((sum, v) => sum + Math.exp(v - top), 0));
  }

  /** Each member's probabilities, of `sharp` times its logits. */
  const votes = (nets, x, sharp = 1) =>
    nets.map((net) => softmax(forward(net, x).map((v) => v * sharp)));

  /** The ensemble's p: the mean of its members' probabilities. */
  const mean = (each) => each[0].map((_, k) =>
    each.reduce((sum, p) => sum + p[k], 0) / each.length);

  /** The class that a committee sees. */
  const see = (nets, x, sharp) => argmax(mean(votes(nets, x, sharp)));

  /** J = -log p_y of one network, and its gradient dJ/dx. */
  function cost(net, x, y, sharp = 1) {
    const z = forward(net, x).map((v) => v * sharp), dz = softmax(z);
    dz[y] = 0;
    dz[y] = -dz.reduce((a, b) => a + b); // p_y - 1, exact also where p_y rounds to 1
    return { J: crossEntropy(z, y), dx: backward(net, dz.map((v) => v * sharp)), z, dz };
  }

  /** sum_i weights_i g_i. */
  const sum = (gradients, weights = gradients.map(() => 1)) =>
    new Float64Array(PIXELS).map((_, j) =>
      gradients.reduce((total, g, i) => total + weights[i] * g[j], 0));

  /** The gradient to follow: "sum" is Adv. 2, sum_i grad J_i; "own" that of the
   * ensemble's J, sum_i r_i grad J_i with r_i = p_i(y) / sum_j p_j(y). */
  function gradient(nets, x, y, whose, sharp) {
    const each = nets.map((net) => cost(net, x, y, sharp));
    const shares = whose === "own" ? softmax(each.map(({ J }) => -J)) : undefined;
    return sum(each.map(({ dx }) => dx), shares);
  }

  /** x_i = clip_{x,eps}(x_{i-1} + alpha sign(g)), clipped to [0, 1]: all x_i. */
  function bim(grad, x, eps, alpha, steps) {
    const path = [x];
    for (let k = 0; k < steps; k++) {
      const g = grad(path[k]);
      path.push(path[k].map((v, j) => {
        const moved = v + alpha * Math.sign(g[j]);
        const near = Math.min(Math.max(moved, x[j] - eps), x[j] + eps);
        return Math.min(Math.max(near, 0), 1);
      }));
    }
    return path;
  }

  /** An image in 256 shades that doesn't leave the ball: what a PNG can hold. */
  const rounded = (xAdv, x, eps) => xAdv.map((v, j) => {
    const low = Math.ceil((x[j] - eps) * 255 - 1e-6);
    const high = Math.floor((x[j] + eps) * 255 + 1e-6);
    return Math.min(Math.max(Math.round(v * 255), low, 0), high, 255) / 255;
  });

  /** The layers of one network: its numbers, and J's gradient for each of them. */
  function inside(net, x, y, sharp) {
    const { dx, z, dz } = cost(net, x, y, sharp), d2 = new Float64Array(a2.length);
    first.forEach((place, k) => { d2[place] = dpool[k]; });
    return [["image", SIDE, 1, x, dx], ["convolution 1", A, F, a1, d1],
      ["convolution 2", B, F, a2, d2], ["pooling", P, F, pool, dpool],
      ["hidden", 0, UNITS, hidden, dhidden], ["logits", 0, CLASSES, z, dz]]
      .map(([name, side, maps, values, slopes]) =>
        ({ name, side, maps, values: values.slice(), slopes: slopes.slice() }));
  }

  /** A drawing (side x side, in [0, 1]) as MNIST's digits are made: scaled into a box
   * of 20 x 20, then moved so that its centre of mass is the image's. */
  function centred(drawing, side) {
    const out = new Float64Array(PIXELS);
    let left = side, right = 0, top = side, bottom = 0, ink = 0, cx = 0, cy = 0;
    drawing.forEach((v, i) => {
      if (v <= 0) return;
      const x = i % side, y = Math.floor(i / side);
      [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
      [ink, cx, cy] = [ink + v, cx + v * (x + 0.5), cy + v * (y + 0.5)];
    });
    if (ink === 0) return out;
    const cell = Math.max(right - left, bottom - top) / 20; // of the drawing, a pixel
    const per = Math.max(1, Math.ceil(cell)); // samples a pixel, in each direction
    for (let oy = 0; oy < SIDE; oy++) for (let ox = 0; ox < SIDE; ox++) {
      let total = 0;
      for (let a = 0; a < per; a++) for (let b = 0; b < per; b++) {
        const u = Math.floor(cx / ink + (ox + (a + 0.5) / per - SIDE / 2) * cell);
        const v = Math.floor(cy / ink + (oy + (b + 0.5) / per - SIDE / 2) * cell);
        if (u >= 0 && v >= 0 && u < side && v < side) total += drawing[v * side + u];
      }
      out[oy * SIDE + ox] = total / per ** 2;
    }
    return out;
  }

  /** Wilson's 95 % interval of `right` of n. */
  function wilson(right, n) {
    const Z = 1.959963984540054, p = right / n, c = 1 + Z ** 2 / n;
    const middle = (p + Z ** 2 / (2 * n)) / c;
    const half = Z * Math.sqrt(p * (1 - p) / n + Z ** 2 / (4 * n ** 2)) / c;
    return [Math.max(0, Math.min(p, middle - half)), Math.min(1, Math.max(p, middle + half))];
  }

  return { SIDE, PIXELS, bytes, networks, forward, backward, maxPool, argmax, votes, mean, see,
    cost, sum, gradient, bim, rounded, inside, centred, wilson };
})();
