/* Arithmetic that C leaves undefined or rounds otherwise, as NumPy does it. */

/* 0, or what went wrong first while the function ran; see failures.py. */
static atomic_int failed;
enum {
    BAD_INDEX = 1, NO_MEMORY = 2, NEGATIVE_POWER = 3, BAD_PARAMETER = 4, BAD_GENERATOR = 5,
    FIRST_CHECK = 16
};
/* The number of the operation that failed, and two numbers that say more: an index and which of
   the operation's it is, or an exponent. */
int64_t graph_failure[3];
static __attribute__((noinline, cold)) void fail(int what, int64_t op, int64_t value, int64_t k) {
    int none = 0;
    if (!atomic_compare_exchange_strong(&failed, &none, what)) return;
    graph_failure[0] = op; graph_failure[1] = value; graph_failure[2] = k;
}

/* Floating point to integer: what does not fit becomes the smallest, as on x86. */
INLINE int32_t g_int32(double x) {
    return x >= -2147483648.0 && x < 2147483648.0 ? (int32_t)x : INT32_MIN;
}
INLINE int64_t g_int64(double x) {
    return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (int64_t)x : INT64_MIN;
}
INLINE uint64_t g_uint64(double x) {
    if (x >= 9223372036854775808.0)
        return x < 18446744073709551616.0 ? (uint64_t)x : UINT64_C(1) << 63;
    return (uint64_t)g_int64(x);
}

/* Division of integers rounds down; a remainder has the sign of the divisor; by 0 gives 0. */
INLINE int64_t g_idiv(int64_t a, int64_t b) {
    if (b == 0) return 0;
    if (b == -1) return (int64_t)(0 - (uint64_t)a);
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
INLINE int64_t g_imod(int64_t a, int64_t b) {
    if (b == 0 || b == -1) return 0;
    int64_t r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
INLINE uint64_t g_udiv(uint64_t a, uint64_t b) { return b ? a / b : 0; }
INLINE uint64_t g_umod(uint64_t a, uint64_t b) { return b ? a % b : 0; }

#define DIVISIONS(REAL, SUFFIX)                                                       \
    INLINE REAL g_fmod##SUFFIX(REAL a, REAL b) {                                      \
        REAL r = fmod##SUFFIX(a, b);                                                  \
        if (!b) return r;                                                             \
        if (!r) return copysign##SUFFIX(0, b);                                        \
        return (b < 0) != (r < 0) ? r + b : r;                                        \
    }                                                                                 \
    INLINE REAL g_fdiv##SUFFIX(REAL a, REAL b) {                                      \
        if (!b) return a / b;                                                         \
        REAL r = fmod##SUFFIX(a, b), d = (a - r) / b;                                 \
        if (r && (b < 0) != (r < 0)) d -= 1;                                          \
        if (!d) return copysign##SUFFIX(0, a / b);                                    \
        REAL down = floor##SUFFIX(d);                                                 \
        return d - down > (REAL)0.5 ? down + 1 : down;                                \
    }
DIVISIONS(float, f)
DIVISIONS(double, )

/* Integers to a power, going round where they do not fit. */
INLINE uint64_t g_ipow(uint64_t a, uint64_t n) {
    uint64_t r = 1;
    for (; n; n >>= 1, a *= a)
        if (n & 1) r *= a;
    return r;
}
INLINE uint64_t g_spow(uint64_t a, int64_t n, int64_t op) {
    if (n < 0) { fail(NEGATIVE_POWER, op, n, 0); return 0; }
    return g_ipow(a, (uint64_t)n);
}

/* At its poles gamma is infinite, as SciPy has it. */
INLINE double g_gamma(double x) { return x <= 0 && x == floor(x) ? INFINITY : tgamma(x); }
INLINE double g_lgamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}
/* log(1 - exp(x)) for x < 0 (Maechler 2012): each branch where it loses nothing. */
INLINE double g_log1mexp(double x) {
    return x < -0.6931471805599453 ? log1p(-exp(x)) : log(-expm1(x));
}
/* The first and second derivative of log gamma: up by recurrence, then the asymptotic series. */
static inline double g_psi(double x) {
    if (x == 0) return -copysign(INFINITY, x);
    if (x <= 0 && x == floor(x)) return NAN;
    if (x < 0) return g_psi(1 - x) - M_PI / tan(M_PI * x);
    double sum = 0;
    for (; x < 12; x += 1) sum -= 1 / x;
    double s = 1 / (x * x);
    double tail = s * (1.0 / 12 - s * (1.0 / 120 - s * (1.0 / 252 - s * (1.0 / 240 - s / 132))));
    return sum + log(x) - 0.5 / x - tail;
}
static inline double g_trigamma(double x) {
    if (x <= 0) {
        double up = M_PI / sin(M_PI * x);
        return x == floor(x) ? INFINITY : up * up - g_trigamma(1 - x);
    }
    double sum = 0;
    for (; x < 12; x += 1) sum += 1 / (x * x);
    double s = 1 / (x * x);
    double tail = s * (1.0 / 6 - s * (1.0 / 30 - s * (1.0 / 42 - s * (1.0 / 30 - s * 5 / 66))));
    return sum + 1 / x + s / 2 + tail / x;
}
