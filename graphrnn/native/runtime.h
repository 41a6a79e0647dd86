/* What every generated function stands on: mathematics, threads, matrix products. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t idx;
#define INLINE static inline __attribute__((always_inline))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* ── mathematics: no branches, so that loops over them become vector code ── */

/* exp(x) = 2^n exp(r), r = x - n ln 2 in two parts, |r| <= ln(2)/2; polynomial of degree 6.
   2^n in two factors, so that results below the normal range are rounded once and not lost. */
INLINE float g_expf(float x) {
    float z = x < -104.0f ? -104.0f : x;
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
    far = copysignf(far, x);
    return a < 0.625f || x != x ? near : far;
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

/* ── threads: a few that wait, spinning for a moment before they sleep ── */

typedef void (*Work)(int tid, int nt);
static struct {
    pthread_mutex_t call, lock;
    pthread_cond_t wake;
    atomic_int generation, running, arrived, sense;
    int n, nt;
    Work work;
} pool = {.call = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

INLINE void relax(int turn) {
    /* Some ten microseconds: longer, and the one we wait for may be waiting for our processor. */
    if (turn > 300) sched_yield();
#if defined(__x86_64__)
    else __builtin_ia32_pause();
#endif
}
/* All threads of a call meet here; what each wrote before is seen by all after. */
static void barrier(int nt) {
    if (nt == 1) return;
    int sense = atomic_load(&pool.sense);
    if (atomic_fetch_add(&pool.arrived, 1) == nt - 1) {
        atomic_store(&pool.arrived, 0);
        atomic_store(&pool.sense, !sense);
        return;
    }
    for (int turn = 0; atomic_load(&pool.sense) == sense; turn++) relax(turn);
}
static void *worker(void *argument) {
    int tid = (int)((intptr_t)argument & 0xff), seen = (int)((intptr_t)argument >> 8);
    for (;;) {
        for (int turn = 0; atomic_load(&pool.generation) == seen && turn < 2000; turn++)
            relax(turn);
        if (atomic_load(&pool.generation) == seen) {
            pthread_mutex_lock(&pool.lock);
            while (atomic_load(&pool.generation) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
            pthread_mutex_unlock(&pool.lock);
        }
        seen = atomic_load(&pool.generation);
        if (tid < pool.nt) {
            pool.work(tid, pool.nt);
            atomic_fetch_sub(&pool.running, 1);
        }
    }
    return NULL;
}
/* A child of fork has none of its parent's threads: it starts its own. */
static void after_fork(void) {
    pool.n = 0;
    atomic_store(&pool.generation, 0);
    atomic_store(&pool.arrived, 0);
    pthread_mutex_init(&pool.call, NULL);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
}
/* Runs work(tid, nt) on nt threads, the caller's being number 0; gives the number there were. */
static int run_threads(Work work, int nt) {
    static int registered = 0;
    if (!registered) { pthread_atfork(NULL, NULL, after_fork); registered = 1; }
    while (pool.n < nt - 1) {
        pthread_t thread;
        /* Its number, and the last call before its time. */
        intptr_t argument = (pool.n + 1) | (intptr_t)atomic_load(&pool.generation) << 8;
        if (pthread_create(&thread, NULL, worker, (void *)argument)) { nt = pool.n + 1; break; }
        pthread_detach(thread);
        pool.n++;
    }
    if (nt > 1) {
        pool.work = work;
        pool.nt = nt;
        atomic_store(&pool.running, nt - 1);
        pthread_mutex_lock(&pool.lock);
        atomic_fetch_add(&pool.generation, 1);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.lock);
    }
    work(0, nt);
    for (int turn = 0; nt > 1 && atomic_load(&pool.running) > 0; turn++) relax(turn);
    return nt;
}
/* The part of n things that falls to one of nt threads, in multiples of a grain. */
INLINE idx part(idx n, idx grain, int tid, int nt) {
    idx blocks = (n + grain - 1) / grain;
    return MIN(n, blocks * tid / nt * grain);
}
