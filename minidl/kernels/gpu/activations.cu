// ReLU, its derivative, and dropout.

// SplitMix64 at place t, with the constants of random_bits.py: t needs no predecessor.
__device__ unsigned long long random_bits(unsigned long long seed, int t)
{
    unsigned long long z = (t + 1ULL) * 0x9E3779B97F4A7C15ULL + seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

// Dropout's mask at place t: 0 where the upper 24 bits are below the threshold.
__device__ float mask_at(
    int t, unsigned long long seed, unsigned int threshold, float kept)
{
    return threshold && (random_bits(seed, t) >> 40) < threshold ? 0.0f : kept;
}

extern "C" __global__ void dropout_mask(
    float* __restrict__ mask, int size,
    unsigned long long seed, unsigned int threshold, float kept)
{
    int t = thread_index();
    if (t >= size) return;
    mask[t] = mask_at(t, seed, threshold, kept);
}

// out = max(x + b, 0) times dropout's mask. A block has a row of W pixels.
// Shapes: x and out (..., W, F), b (F,).
extern "C" __global__ void bias_relu(
    const float* __restrict__ x, const float* __restrict__ b, float* __restrict__ out,
    int W, int F, unsigned long long seed, unsigned int threshold, float kept)
{
    int row = blockIdx.x * gridDim.y + blockIdx.y;
    for (int w = threadIdx.y; w < W; w += blockDim.y) {
        for (int f = WIDTH * threadIdx.x; f < F; f += WIDTH * blockDim.x) {
            int place = (row * W + w) * F + f;
            Floats v = load(x + place), bias = load(b + f);
            for (int i = 0; i < WIDTH; i++) {
                float mask = mask_at(place + i, seed, threshold, kept);
                v.at[i] = rectified(v.at[i] + bias.at[i]) * mask;
            }
            store(out + place, v);
        }
    }
}

// dx = dout scale where out > 0, else 0. Shapes: all equal.
extern "C" __global__ void relu_grad(
    const float* __restrict__ dout, const float* __restrict__ out,
    float* __restrict__ dx, int size, float scale)
{
    int t = thread_index();
    if (t >= size) return;
    dx[t] = out[t] > 0.0f ? dout[t] * scale : 0.0f;
}
