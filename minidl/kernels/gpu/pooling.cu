// Max pooling: see reference.max_pool. The first of equals wins; a NaN is a maximum, so
// that it isn't lost on the way to J. `!(v <= than)` is true of a NaN.
// Shapes: x (N, H, W, C), out and argmax (N, OH, OW, C); the window is K x K, and
// argmax = i K + j.

__device__ bool is_larger(float v, float than)
{
    return !(v <= than) && than == than;
}

extern "C" __global__ void max_pool(
    const float* __restrict__ x, float* __restrict__ out,
    unsigned char* __restrict__ argmax, int size,
    int H, int W, int C, int OH, int OW, int K, int S)
{
    int t = thread_index();
    if (t >= size) return;
    int n = t;
    int c = pop_digit(n, C);
    int ow = pop_digit(n, OW);
    int oh = pop_digit(n, OH);
    const float* window = x + ((n * H + oh * S) * W + ow * S) * C + c;
    float largest = window[0];
    int first = 0;
    for (int i = 0; i < K; i++) {
        for (int j = 0; j < K; j++) {
            float v = window[(i * W + j) * C];
            if (is_larger(v, largest)) {
                largest = v;
                first = i * K + j;
            }
        }
    }
    out[t] = largest;
    argmax[t] = first;
}

// max(x + b, 0), then its maxima over windows of 2x2 beside each other, in one pass.
extern "C" __global__ void bias_relu_pool(
    const float* __restrict__ x, const float* __restrict__ b, float* __restrict__ out,
    unsigned char* __restrict__ argmax, int size,
    int H, int W, int C, int OH, int OW)
{
    int t = thread_index();
    if (t >= size) return;
    int n = t;
    int c = pop_digit(n, C);
    int ow = pop_digit(n, OW);
    int oh = pop_digit(n, OH);
    const float* window = x + ((n * H + 2 * oh) * W + 2 * ow) * C + c;
    float largest = rectified(window[0] + b[c]);
    int first = 0;
    for (int position = 1; position < 4; position++) {
        int i = position / 2, j = position % 2;
        float v = rectified(window[(i * W + j) * C] + b[c]);
        if (is_larger(v, largest)) {
            largest = v;
            first = position;
        }
    }
    out[t] = largest;
    argmax[t] = first;
}

// dx[n, h, w, c] = the sum of dout over the windows whose maximum is x[n, h, w, c]; a
// place that is in no window makes all of its window NaN.
extern "C" __global__ void max_pool_grad(
    const float* __restrict__ dout, const unsigned char* __restrict__ argmax,
    float* __restrict__ dx, int size,
    int H, int W, int C, int OH, int OW, int K, int S)
{
    int t = thread_index();
    if (t >= size) return;
    int n = t;
    int c = pop_digit(n, C);
    int w = pop_digit(n, W);
    int h = pop_digit(n, H);
    float sum = 0.0f;
    // From the first window that reaches so far to the last that starts so early.
    for (int oh = h < K ? 0 : (h - K) / S + 1; oh < OH && oh * S <= h; oh++) {
        for (int ow = w < K ? 0 : (w - K) / S + 1; ow < OW && ow * S <= w; ow++) {
            int window = ((n * OH + oh) * OW + ow) * C + c;
            int place = argmax[window];
            if (place == (h - oh * S) * K + (w - ow * S)) sum += dout[window];
            if (place >= K * K) sum = 0.0f / 0.0f;
        }
    }
    dx[t] = sum;
}
