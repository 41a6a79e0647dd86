/* What every generated function stands on: mathematics, threads, matrix products. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef int64_t idx;
#define INLINE static inline __attribute__((always_inline))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
/* Before a loop: its turns do not depend on each other; it is short and known, write it out. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* a loop that it keeps as it is, is no fault */
#define IVDEP _Pragma("clang loop vectorize(assume_safety)")
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define IVDEP _Pragma("GCC ivdep")
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* ── mathematics: no branches, so that loops over them become vector code ── */

/* exp(x) = 2^n exp(r), r = x - n ln 2 in two parts, |r| <= ln(2)/2; polynomial of degree 6.
   2^n in two factors, so that results below the normal range are rounded once and not lost. */
INLINE float g_expf(float x) {
    float z = x > -104.0f ? x : -104.0f; /* NaN too: it has no n */
    z = z > 89.0f ? 89.0f : z;
    float n = z * 1.44269504088896341f;
    n = (n + 12582912.0f) - 12582912.0f;
    float r = z - n * 0.693145751953125f;
    r = r - n * 1.42860682030941723212e-6f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t k = (int32_t)n, half = k >> 1, rest = k - half;
    union { int32_t i; float f; } a = {(half + 127) << 23}, b = {(rest + 127) << 23};
    p = p * a.f * b.f;
    return x != x ? x : p;
}

/* tanh(x) = x P(x^2) near zero, and 1 - 2 / (exp(2|x|) + 1) with the sign of x beyond. */
INLINE float g_tanhf(float x) {
    float a = fabsf(x), s = x * x;
    float p = -5.70498872745e-3f;
    p = p * s + 2.06390887954e-2f;
    p = p * s - 5.37397155531e-2f;
    p = p * s + 1.33314422036e-1f;
    p = p * s - 3.33332819422e-1f;
    float near = p * s * x + x;
    float e = g_expf(2.0f * a);
    float far = 1.0f - 2.0f / (e + 1.0f);
    return copysignf(a < 0.625f || x != x ? near : far, x); /* near would make 0 of -0 */
}

/* 1 / (1 + exp(-x)), from exp of -|x| so that nothing overflows and small results are exact. */
INLINE float g_sigmoidf(float x) {
    float e = g_expf(-fabsf(x));
    float d = 1.0f / (1.0f + e);
    return x != x ? x : x >= 0 ? d : e * d;
}
INLINE double g_sigmoid(double x) {
    double e = exp(-fabs(x)), d = 1.0 / (1.0 + e);
    return x != x ? x : x >= 0 ? d : e * d;
}
INLINE float g_softplusf(float x) { return (x > 0 ? x : 0) + log1pf(g_expf(-fabsf(x))) + (x != x ? x : 0); }
INLINE double g_softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))) + (x != x ? x : 0); }

/* ── threads: a few that wait, spinning for a moment before they sleep ──
   All functions of a process share the pool of the one that was loaded first, whose code its threads
   run for ever, whoever starts them, so that its library alone is never unloaded: threads are as many
   as the most that one call asked for, and two calls at once take turns instead of crowding the
   processors. Workers take no signals: those belong to the program. */

typedef void (*Work)(int tid, int nt);
struct pool {
    pthread_mutex_t use, lock; /* held through a call; held to sleep and to wake */
    pthread_cond_t wake;
    atomic_ullong call;        /* how many calls there were, times 65536, plus the threads of this one */
    atomic_int running, arrived, sense;
    int workers;
    unsigned long long before; /* `call` before the newest workers were made for the next one */
    Work work;
    void *(*worker)(void *);   /* what a thread runs: code of the library that has the pool */
};
static void *worker(void *argument);
static struct pool own = {
    .worker = worker, .use = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
static struct pool *pool = &own;
/* This function's own memory serves one call at a time. */
static pthread_mutex_t busy = PTHREAD_MUTEX_INITIALIZER;

INLINE void relax(int turn) {
    /* Some ten microseconds: longer, and the one we wait for may be waiting for our processor. */
    if (turn > 300) sched_yield();
#if defined(__x86_64__) || defined(__i386__)
    else __builtin_ia32_pause();
#elif defined(__aarch64__)
    else __asm__ __volatile__("yield");
#endif
}
/* All threads of a call meet here; what each wrote before is seen by all after. */
static void barrier(int nt) {
    if (nt == 1) return;
    int sense = atomic_load(&pool->sense);
    if (atomic_fetch_add(&pool->arrived, 1) == nt - 1) {
        atomic_store(&pool->arrived, 0);
        atomic_store(&pool->sense, !sense);
        return;
    }
    for (int turn = 0; atomic_load(&pool->sense) == sense; turn++) relax(turn);
}
static void *worker(void *argument) {
    int tid = (int)(intptr_t)argument;
    unsigned long long seen = pool->before;
    for (;;) {
        for (int turn = 0; atomic_load(&pool->call) == seen && turn < 2000; turn++) relax(turn);
        if (atomic_load(&pool->call) == seen) {
            pthread_mutex_lock(&pool->lock);
            while (atomic_load(&pool->call) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
            pthread_mutex_unlock(&pool->lock);
        }
        /* Count and number of threads in one word: one that wakes late, for a call without it,
           cannot take the next call's for it. */
        seen = atomic_load(&pool->call);
        int nt = (int)(seen & 0xffff);
        if (tid < nt) {
            pool->work(tid, nt);
            atomic_fetch_sub(&pool->running, 1);
        }
    }
    return NULL;
}
/* A child of fork has none of its parent's threads, and may find their locks held. Python calls this
   there: a handler of pthread_atfork would be called, on some systems, after it was unloaded. */
void graph_after_fork(void);
void graph_after_fork(void) {
    pthread_mutex_init(&busy, NULL);
    if (pool != &own) return;
    pool->workers = 0;
    atomic_store(&pool->arrived, 0);
    pthread_mutex_init(&pool->use, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
}
/* Join the pool of a function that was loaded before, or offer one's own; gives the one in use. */
void *graph_pool(void *theirs);
void *graph_pool(void *theirs) {
    if (theirs) pool = theirs;
    return pool;
}
/* Start workers until there are enough, or as many as the system gives. */
static void start_workers(int wanted) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pool->before = atomic_load(&pool->call);
    while (pool->workers < wanted) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, pool->worker, (void *)(intptr_t)(pool->workers + 1))) break;
        pthread_detach(thread);
        pool->workers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
/* Runs work(tid, nt) on nt threads, or as many as there are, the caller's being number 0. */
static void run_threads(Work work, int nt) {
    pthread_mutex_lock(&pool->use);
    if (pool->workers < nt - 1) start_workers(nt - 1);
    nt = MIN(nt, pool->workers + 1);
    if (nt > 1) {
        pool->work = work;
        atomic_store(&pool->running, nt - 1);
        pthread_mutex_lock(&pool->lock);
        atomic_store(&pool->call, ((atomic_load(&pool->call) >> 16) + 1) << 16 | (unsigned)nt);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
    }
    work(0, nt);
    for (int turn = 0; nt > 1 && atomic_load(&pool->running) > 0; turn++) relax(turn);
    pthread_mutex_unlock(&pool->use);
}
/* Memory of our own, in whole pages: all of it goes back when the function is dropped. */
static char *pages_of(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}
/* The part of n things that falls to one of nt threads, in multiples of a grain. */
INLINE idx part(idx n, idx grain, int tid, int nt) {
    idx blocks = (n + grain - 1) / grain;
    return MIN(n, blocks * tid / nt * grain);
}
