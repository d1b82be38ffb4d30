// What all kernels share. A kernel is run by many threads at once, and here each thread
// computes its own numbers of the result from whatever it needs ("gather form"): no two
// threads write to the same place, so their order doesn't matter, nothing is locked, and
// equal input gives equal bits.
//
// All numbers are float32; images are NHWC. Letters: see minidl/kernels/__init__.py;
// S is the stride, P the padding, `size` how many numbers are computed.
//
// Which numbers are a thread's? Threads are counted within a block, and blocks within a
// grid. Finding h, w and c from one number takes divisions, for which a GPU has no
// instruction. So each block of an image kernel has one row of one image, blockIdx =
// (n, row), where threadIdx.x counts channels and threadIdx.y pixels, in steps as large
// as the block. Nothing is divided.

// The number of channels in one access to memory: 4, or 1 if C isn't a multiple of 4.
#ifndef WIDTH
#define WIDTH 4
#endif

template <class T> struct alignas(WIDTH * sizeof(T)) Several
{
    T at[WIDTH];
};
typedef Several<float> Floats;
typedef Several<unsigned char> Bytes;

template <class T> __device__ Several<T> load(const T* from)
{
    return *reinterpret_cast<const Several<T>*>(from);
}

template <class T> __device__ void store(T* to, Several<T> values)
{
    *reinterpret_cast<Several<T>*>(to) = values;
}

__device__ void add(Floats& sum, Floats v)
{
    for (int i = 0; i < WIDTH; i++) sum.at[i] += v.at[i];
}

// The index of this thread among all, where each has one number of the result. Threads
// come in whole blocks, so the last block may have too many: these return at once.
__device__ int thread_index()
{
    return blockIdx.x * blockDim.x + threadIdx.x;
}

// max(v, 0). A NaN stays one (fmaxf would hide it): J has to show that a training failed.
__device__ float rectified(float v)
{
    return v < 0.0f ? 0.0f : v;
}

// dJ/du of out = max(u, 0) scale, where scale is dropout's. Without `out`, a null
// pointer, nothing was rectified.
__device__ Floats through_relu(Floats dout, const float* out, int place, float scale)
{
    if (!out) return dout;
    Floats kept = load(out + place);
    for (int i = 0; i < WIDTH; i++)
        dout.at[i] = kept.at[i] > 0.0f ? dout.at[i] * scale : 0.0f;
    return dout;
}
