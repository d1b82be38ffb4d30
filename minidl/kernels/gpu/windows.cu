// Windows of images as rows of a matrix, and back: see reference.im2col and col2im.

// col[n oh ow, kh kw c] = x[n, oh S - P + kh, ow S - P + kw, c], and 0 outside the image.
// One row of a window, KW * C numbers, is one piece of memory in col as well as in x.
// Shapes: x (N, H, W, C), col (N*OH*OW, KH*KW*C) of so many numbers: size.
extern "C" __global__ void im2col(
    const float* __restrict__ x, float* __restrict__ col, int size,
    int H, int W, int C, int OH, int OW, int KH, int KW, int S, int P)
{
    int t = thread_index();
    if (t >= size) return;
    int n = t;
    int piece = pop_digit(n, KW * C);
    int kh = pop_digit(n, KH);
    int ow = pop_digit(n, OW);
    int oh = pop_digit(n, OH);
    int h = oh * S - P + kh;
    int place = (ow * S - P) * C + piece;  // within the image's row h: w * C + c
    bool inside = 0 <= h && h < H && 0 <= place && place < W * C;
    col[t] = inside ? x[(n * H + h) * W * C + place] : 0.0f;
}

// The sum of all numbers of col that im2col takes from x[t], in the order of the window.
__device__ float sum_over_windows(
    const float* col, int t,
    int H, int W, int C, int OH, int OW, int KH, int KW, int S, int P)
{
    int n = t;
    int c = pop_digit(n, C);
    int w = pop_digit(n, W);
    int h = pop_digit(n, H);
    float sum = 0.0f;
    for (int kh = 0; kh < KH; kh++) {
        for (int kw = 0; kw < KW; kw++) {
            // Solve oh S - P + kh = h and ow S - P + kw = w, if there is a solution.
            int top = h + P - kh, left = w + P - kw;
            if (top < 0 || left < 0 || top % S != 0 || left % S != 0) continue;
            int oh = top / S, ow = left / S;
            if (oh >= OH || ow >= OW) continue;
            sum += col[((((n * OH + oh) * OW + ow) * KH + kh) * KW + kw) * C + c];
        }
    }
    return sum;
}

// x = the transpose of im2col, applied to col. Shapes as above, size numbers in x.
extern "C" __global__ void col2im(
    const float* __restrict__ col, float* __restrict__ x, int size,
    int H, int W, int C, int OH, int OW, int KH, int KW, int S, int P)
{
    int t = thread_index();
    if (t >= size) return;
    x[t] = sum_over_windows(col, t, H, W, C, OH, OW, KH, KW, S, P);
}

// The same followed by the derivative of out = max(u, 0): du = dout where out > 0.
extern "C" __global__ void col2im_relu_grad(
    const float* __restrict__ col, float* __restrict__ du, int size,
    int H, int W, int C, int OH, int OW, int KH, int KW, int S, int P,
    const float* __restrict__ out)
{
    int t = thread_index();
    if (t >= size) return;
    bool kept = out[t] > 0.0f;
    du[t] = kept ? sum_over_windows(col, t, H, W, C, OH, OW, KH, KW, S, P) : 0.0f;
}
