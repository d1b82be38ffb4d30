// Windows of images as rows of a matrix, and back: see reference.im2col and col2im.

// col[n oh ow, kh kw c] = x[n, oh S - P + kh, ow S - P + kw, c], and 0 outside the image.
// One row of a window, KW * C numbers, is one piece of memory in col as well as in x.
// A block has the windows of row oh. Shapes: x (N, H, W, C), col (N*OH*OW, KH*KW*C).
extern "C" __global__ void im2col(
    const float* __restrict__ x, float* __restrict__ col,
    int H, int W, int C, int OH, int OW, int KH, int KW, int S, int P)
{
    int n = blockIdx.x, oh = blockIdx.y, piece = KW * C;
    for (int ow = threadIdx.y; ow < OW; ow += blockDim.y) {
        for (int kh = 0; kh < KH; kh++) {
            int h = oh * S - P + kh, left = (ow * S - P) * C;
            int from = (n * H + h) * W * C + left;
            int to = (((n * OH + oh) * OW + ow) * KH + kh) * piece;
            for (int i = WIDTH * threadIdx.x; i < piece; i += WIDTH * blockDim.x) {
                bool inside = 0 <= h && h < H && 0 <= left + i && left + i < W * C;
                store(col + to + i, inside ? load(x + from + i) : Floats{});
            }
        }
    }
}

// Calls pixel(place, c, q, r, p, s) for the rows h of a block and all their pixels and
// channels, where h + P = q S + r and w + P = p S + s. Row h lies in window oh at
// kh = h + P - oh S, which is in oh = q at kh = r, in oh = q - 1 at kh = r + S, and so on;
// columns likewise. A block has the S rows of one q.
template <class Function>
__device__ void for_pixels(int H, int W, int C, int S, int P, Function pixel)
{
    int n = blockIdx.x, q = blockIdx.y;
    for (int r = 0; r < S; r++) {
        for (int p = threadIdx.y; p * S - P < W; p += blockDim.y) {
            for (int s = 0; s < S; s++) {
                int h = q * S + r - P, w = p * S + s - P;
                if (h < 0 || h >= H || w < 0 || w >= W) continue;
                int place = ((n * H + h) * W + w) * C;
                for (int c = WIDTH * threadIdx.x; c < C; c += WIDTH * blockDim.x)
                    pixel(place + c, c, q, r, p, s);
            }
        }
    }
}

// x = the transpose of im2col, applied to col: each number of x is the sum of its copies
// in col, in the order of the window. With out = max(u, 0) the result is du.
// Shapes: x and out (N, H, W, C), col as above.
extern "C" __global__ void col2im(
    const float* __restrict__ col, const float* __restrict__ out, float* __restrict__ x,
    int H, int W, int C, int OH, int OW, int KH, int KW, int S, int P)
{
    int n = blockIdx.x;
    for_pixels(H, W, C, S, P, [=](int place, int c, int q, int r, int p, int s) {
        Floats sum = {};
        for (int kh = r, oh = q; kh < KH; kh += S, oh--) {
            if (oh < 0 || oh >= OH) continue;
            for (int kw = s, ow = p; kw < KW; kw += S, ow--) {
                if (ow < 0 || ow >= OW) continue;
                int window = ((n * OH + oh) * OW + ow) * KH + kh;
                add(sum, load(col + (window * KW + kw) * C + c));
            }
        }
        store(x + place, through_relu(sum, out, place, 1.0f));
    });
}

// sums[f] = the sum of x[r, f] over the rows r of one image, or of all as one. A block
// has WIDTH columns. Its threads take turns at the rows, then add their sums in pairs,
// always the same ones: __syncthreads waits until all threads have got this far.
// Shapes: x and out (N, rows, F), sums (N, F).
extern "C" __global__ void sum_rows(
    const float* __restrict__ x, const float* __restrict__ out, float* __restrict__ sums,
    int rows, float scale)
{
    __shared__ Floats part[1024];  // the largest number of threads in a block
    int n = blockIdx.x, t = threadIdx.x, f = WIDTH * blockIdx.y, F = WIDTH * gridDim.y;
    Floats sum = {};
    for (int r = t; r < rows; r += blockDim.x) {
        int place = (n * rows + r) * F + f;
        add(sum, through_relu(load(x + place), out, place, scale));
    }
    part[t] = sum;
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (t < half) add(part[t], part[t + half]);
    }
    if (t == 0) store(sums + n * F + f, part[0]);
}
