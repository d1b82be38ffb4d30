// What all kernels share. A kernel is run by many threads at once, and here each thread
// computes one number of the result from whatever it needs ("gather form"): no two
// threads write to the same place, so their order doesn't matter, nothing is locked, and
// equal input gives equal bits.
//
// All numbers are float32; images are NHWC. Letters: see minidl/kernels/__init__.py;
// S is the stride, P the padding, `size` how many numbers are computed. Threads come in
// whole blocks, so that the last block has some to spare: those return at once.

// The number of this thread, which is the place of its result.
__device__ int thread_index()
{
    return blockIdx.x * blockDim.x + threadIdx.x;
}

// The last digit of an index in a base, taken off: with bases C, W, H one after another
// it turns a place in memory into c, w, h, and what remains is n.
__device__ int pop_digit(int& index, int base)
{
    int digit = index % base;
    index /= base;
    return digit;
}

// max(v, 0). A NaN stays one (fmaxf would hide it): J has to show that a training failed.
__device__ float rectified(float v)
{
    return v < 0.0f ? 0.0f : v;
}
