// ReLU, its derivative, and dropout's mask: number by number.

// x = max(x + b, 0), in place. Shapes: x (..., F), b (F,).
extern "C" __global__ void bias_relu(
    float* __restrict__ x, const float* __restrict__ b, int size, int F)
{
    int t = thread_index();
    if (t >= size) return;
    x[t] = rectified(x[t] + b[t % F]);
}

// dx = dout where out > 0, else 0. Shapes: all equal.
extern "C" __global__ void relu_grad(
    const float* __restrict__ dout, const float* __restrict__ out,
    float* __restrict__ dx, int size)
{
    int t = thread_index();
    if (t >= size) return;
    dx[t] = out[t] > 0.0f ? dout[t] : 0.0f;
}

// SplitMix64 at place t, with the constants of random_bits.py: t needs no predecessor.
__device__ unsigned long long random_bits(unsigned long long seed, int t)
{
    unsigned long long z = (t + 1ULL) * 0x9E3779B97F4A7C15ULL + seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

// mask = 0 where the upper 24 bits are below the threshold, else `kept`.
extern "C" __global__ void dropout_mask(
    float* __restrict__ mask, int size,
    unsigned long long seed, unsigned int threshold, float kept)
{
    int t = thread_index();
    if (t >= size) return;
    mask[t] = (random_bits(seed, t) >> 40) < threshold ? 0.0f : kept;
}
