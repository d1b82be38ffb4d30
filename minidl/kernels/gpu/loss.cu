// J and its gradient in one pass: see minidl/losses.py. One thread for one image's row.

// costs[n] = log(sum_k exp z_k) - z_y and dz[n] = p - onehot(y), where p_y - 1 is minus
// the sum of the others. A label that isn't a class gives NaN, and nothing is read
// beyond the row. Shapes: z and dz (N, K), y and costs (N,).
extern "C" __global__ void cross_entropy(
    const float* __restrict__ z, const long long* __restrict__ y,
    float* __restrict__ costs, float* __restrict__ dz, int N, int K)
{
    int n = thread_index();
    if (n >= N) return;
    z += n * K;
    dz += n * K;
    float largest = z[0];
    for (int k = 1; k < K; k++) largest = is_larger(z[k], largest) ? z[k] : largest;
    float sum = 0.0f;
    for (int k = 0; k < K; k++) sum += expf(z[k] - largest);
    float log_sum = logf(sum), others = 0.0f;
    for (int k = 0; k < K; k++) {
        float p = expf(z[k] - largest - log_sum);
        dz[k] = p;
        if (k != y[n]) others += p;
    }
    bool known = 0 <= y[n] && y[n] < K;
    if (known) {
        costs[n] = log_sum - (z[y[n]] - largest);
        dz[y[n]] = -others;
    } else {
        float nan = 0.0f / 0.0f;
        costs[n] = nan;
        for (int k = 0; k < K; k++) dz[k] = nan;
    }
}
