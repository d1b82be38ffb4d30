// Max pooling: see reference.max_pool. The first of equals wins; a NaN is a maximum, so
// that it isn't lost on the way to J. `!(v <= than)` is true of a NaN.
// Shapes: x (N, H, W, C), out and argmax (N, OH, OW, C); the window is K x K, and
// argmax = i K + j.

__device__ bool is_larger(float v, float than)
{
    return !(v <= than) && than == than;
}

// The maxima of x, or with b those of max(x + b, 0) times dropout's mask. A block has
// row oh of the result.
extern "C" __global__ void max_pool(
    const float* __restrict__ x, const float* __restrict__ b, float* __restrict__ out,
    unsigned char* __restrict__ argmax,
    int H, int W, int C, int OH, int OW, int K, int S,
    unsigned long long seed, unsigned int threshold, float kept)
{
    int n = blockIdx.x, oh = blockIdx.y;
    for (int ow = threadIdx.y; ow < OW; ow += blockDim.y) {
        for (int c = WIDTH * threadIdx.x; c < C; c += WIDTH * blockDim.x) {
            const float* window = x + ((n * H + oh * S) * W + ow * S) * C + c;
            Floats bias = b ? load(b + c) : Floats{}, largest = {};
            Bytes first = {};
            for (int i = 0; i < K; i++) {
                for (int j = 0; j < K; j++) {
                    Floats v = load(window + (i * W + j) * C);
                    for (int k = 0; k < WIDTH; k++) {
                        float u = b ? rectified(v.at[k] + bias.at[k]) : v.at[k];
                        if (i + j > 0 && !is_larger(u, largest.at[k])) continue;
                        largest.at[k] = u;
                        first.at[k] = i * K + j;
                    }
                }
            }
            int place = ((n * OH + oh) * OW + ow) * C + c;
            for (int k = 0; k < WIDTH; k++)
                largest.at[k] *= mask_at(place + k, seed, threshold, kept);
            store(out + place, largest);
            store(argmax + place, first);
        }
    }
}

// dx[n, h, w, c] = the sum of dout over the windows whose maximum is x[n, h, w, c]; a
// place that is in no window makes all of its window NaN. With out = max(u, 0) scale, the
// derivative of these comes first.
extern "C" __global__ void max_pool_grad(
    const float* __restrict__ dout, const unsigned char* __restrict__ argmax,
    const float* __restrict__ out, float* __restrict__ dx,
    int H, int W, int C, int OH, int OW, int K, int S, float scale)
{
    int n = blockIdx.x;
    for_pixels(H, W, C, S, 0, [=](int pixel, int c, int q, int r, int p, int s) {
        Floats sum = {};
        for (int i = r, oh = q; i < K && oh >= 0; i += S, oh--) {
            if (oh >= OH) continue;
            for (int j = s, ow = p; j < K && ow >= 0; j += S, ow--) {
                if (ow >= OW) continue;
                int window = ((n * OH + oh) * OW + ow) * C + c;
                Floats d = through_relu(load(dout + window), out, window, scale);
                Bytes place = load(argmax + window);
                for (int k = 0; k < WIDTH; k++) {
                    if (place.at[k] == i * K + j) sum.at[k] += d.at[k];
                    if (place.at[k] >= K * K) sum.at[k] = 0.0f / 0.0f;
                }
            }
        }
        store(dx + pixel, sum);
    });
}
