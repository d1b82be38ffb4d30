// One step of an optimizer, in place, over all parameters at once: see optimizers.py.
// Shapes: p, g, m and v (size,).

// v = momentum v + g; p -= lr v.
extern "C" __global__ void sgd_step(
    float* __restrict__ p, const float* __restrict__ g, float* __restrict__ v,
    int size, float lr, float momentum)
{
    int t = thread_index();
    if (t >= size) return;
    v[t] = momentum * v[t] + g[t];
    p[t] -= lr * v[t];
}

// m and v follow g and g^2; p -= step m / (sqrt(correction v) + eps).
extern "C" __global__ void adam_step(
    float* __restrict__ p, const float* __restrict__ g,
    float* __restrict__ m, float* __restrict__ v, int size,
    float rate1, float rate2, float step, float correction, float eps)
{
    int t = thread_index();
    if (t >= size) return;
    m[t] += rate1 * (g[t] - m[t]);
    v[t] += rate2 * (g[t] * g[t] - v[t]);
    p[t] -= step * m[t] / (sqrtf(correction * v[t]) + eps);
}
