// As much of CUDA C++ as the kernels use, so that a compiler for CPUs takes their source
// as it is. Threads become turns of a loop.
#include <cstddef>
#include <ucontext.h>
#include <type_traits>
#include <utility>

extern "C" float expf(float), logf(float), sqrtf(float);  // all of <cmath> takes longer

struct Dimensions { unsigned x, y; };
static Dimensions threadIdx, blockIdx, blockDim, gridDim;

#define __global__
#define __device__ static inline
#define __shared__ static  // one block runs at a time

// Threads that wait for each other are fibers: each runs until it waits, or ends, and
// then the next one does.
const int MOST = 1024, STACK = 1 << 14;
static ucontext_t block_, fiber[MOST];
static char stack[MOST][STACK];
static int running, waiting;

static void __syncthreads()
{
    waiting++;
    swapcontext(&fiber[running], &block_);
}

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

// Let thread i of all take its turn.
static void count_to(const int* sizes, int i)
{
    int threads = sizes[2] * sizes[3], block = i / threads, thread = i % threads;
    gridDim = {unsigned(sizes[0]), unsigned(sizes[1])};
    blockDim = {unsigned(sizes[2]), unsigned(sizes[3])};
    blockIdx = {block % gridDim.x, block / gridDim.x};
    threadIdx = {thread % blockDim.x, thread / blockDim.x};
}

template <class... A> struct Body
{
    static void (*kernel)(A...);
    static void** arguments;
    static void enter() { call(kernel, arguments, std::index_sequence_for<A...>{}); }
};
template <class... A> void (*Body<A...>::kernel)(A...);
template <class... A> void** Body<A...>::arguments;

// Run all threads of all blocks in the order given; those that wait for each other follow
// one another. Return whether only some of a block's threads waited.
template <class... A>
int run(void (*kernel)(A...), void** arguments, const int* sizes, const int* order, int waits)
{
    int threads = sizes[2] * sizes[3], count = sizes[0] * sizes[1] * threads;
    Body<A...>::kernel = kernel;
    Body<A...>::arguments = arguments;
    if (!waits) {
        for (int i = 0; i < count; i++) count_to(sizes, order[i]), Body<A...>::enter();
        return 0;
    }
    for (int first = 0; first < count; first += threads) {
        for (int t = 0; t < threads; t++) {
            getcontext(&fiber[t]);
            fiber[t].uc_stack.ss_sp = stack[t];
            fiber[t].uc_stack.ss_size = STACK;
            fiber[t].uc_link = &block_;
            makecontext(&fiber[t], Body<A...>::enter, 0);
        }
        do {
            waiting = 0;
            for (running = 0; running < threads; running++) {
                count_to(sizes, order[first + running]);
                swapcontext(&block_, &fiber[running]);
            }
            if (waiting % threads) return 1;
        } while (waiting);
    }
    return 0;
}

#define EXPORT(NAME) \
    extern "C" void describe_##NAME(char* out) { describe(&NAME, out); } \
    extern "C" int run_##NAME(void** arguments, const int* sizes, const int* order, int waits) \
    { return run(&NAME, arguments, sizes, order, waits); }
