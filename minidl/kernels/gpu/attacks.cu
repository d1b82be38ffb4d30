// A step of FGSM and BIM: see reference.sign_step.

__device__ float clipped(float v, float low, float high)
{
    return v < low ? low : (v > high ? high : v);  // a NaN stays one
}

// out = clip_{x,eps}(x_adv + alpha sign(g)), clipped to [low, high]. Shapes: all equal.
extern "C" __global__ void sign_step(
    const float* __restrict__ x_adv, const float* __restrict__ g,
    const float* __restrict__ x, float* __restrict__ out, int size,
    float alpha, float eps, float low, float high)
{
    int t = thread_index();
    if (t >= size) return;
    float sign = g[t] > 0.0f ? 1.0f : (g[t] < 0.0f ? -1.0f : g[t]);
    float moved = clipped(x_adv[t] + alpha * sign, x[t] - eps, x[t] + eps);
    out[t] = clipped(moved, low, high);
}
