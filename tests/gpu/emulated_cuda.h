// As much of CUDA C++ as the kernels use, so that a compiler for CPUs takes their source
// as it is. Threads become turns of a loop.
#include <cstddef>
#include <type_traits>
#include <utility>

extern "C" float expf(float), logf(float), sqrtf(float);  // all of <cmath> takes longer

struct Dimensions { unsigned x; };
static Dimensions threadIdx, blockIdx, blockDim, gridDim;

#define __global__
#define __device__ static inline

// A parameter's type as three letters: c for pointers to const, p for other pointers,
// s for numbers; then b, f, i or u for the kind, and the number of bytes.
template <class T, char pointer> const char* code()
{
    static char text[4];
    text[0] = pointer;
    text[1] = std::is_same<T, bool>::value ? 'b'
        : std::is_floating_point<T>::value ? 'f'
        : std::is_signed<T>::value ? 'i' : 'u';
    text[2] = char('0' + sizeof(T));
    return text;
}

template <class T> struct Code
{
    static const char* text() { return code<T, 's'>(); }
};
template <class T> struct Code<T*>
{
    static const char* text() { return code<T, 'p'>(); }
};
template <class T> struct Code<const T*>
{
    static const char* text() { return code<T, 'c'>(); }
};

// Write the codes of a kernel's parameters one after another.
template <class... A> void describe(void (*)(A...), char* out)
{
    for (const char* text : {Code<A>::text()...})
        for (const char* letter = text; *letter; letter++) *out++ = *letter;
    *out = 0;
}

template <class... A, std::size_t... I>
void call(void (*kernel)(A...), void** arguments, std::index_sequence<I...>)
{
    kernel(*(typename std::remove_const<A>::type*)arguments[I]...);
}

// Run all threads of all blocks in the order given.
template <class... A>
void run(void (*kernel)(A...), void** arguments, int blocks, int threads, const int* order)
{
    gridDim.x = blocks;
    blockDim.x = threads;
    for (long long i = 0; i < (long long)blocks * threads; i++) {
        blockIdx.x = order[i] / threads;
        threadIdx.x = order[i] % threads;
        call(kernel, arguments, std::index_sequence_for<A...>{});
    }
}

#define EXPORT(NAME) \
    extern "C" void describe_##NAME(char* out) { describe(&NAME, out); } \
    extern "C" void run_##NAME(void** arguments, int blocks, int threads, const int* order) \
    { run(&NAME, arguments, blocks, threads, order); }
