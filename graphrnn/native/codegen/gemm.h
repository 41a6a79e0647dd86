/* Matrix products of REAL: C = A B, any strides for A and B, rows of C with unit stride.
   A micro-kernel keeps MR rows by NR columns of C in vector registers; B is packed into panels of NR
   columns. Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008). */

typedef REAL NAME(vec) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL))));
#define VL ((idx)(VECTOR_BYTES / sizeof(REAL)))
#define NV 2
#define NR (NV * VL)
#define KC 256

/* mr x NR of C; `first` sets, otherwise adds. Columns beyond nr are computed and not stored. */
INLINE void NAME(micro)(const int mr, idx k, const REAL *a, idx as0, idx as1, const REAL *b,
                        REAL *c, idx cs, idx nr, int first) {
    NAME(vec) acc[MR][NV];
#pragma GCC unroll 16
    for (int i = 0; i < mr; i++) acc[i][0] = acc[i][1] = (NAME(vec)){0};
    for (idx p = 0; p < k; p++) {
        NAME(vec) b0 = *(const NAME(vec) *)(b + p * NR), b1 = *(const NAME(vec) *)(b + p * NR + VL);
        UNROLL
        for (int i = 0; i < mr; i++) {
            REAL x = a[i * as0 + p * as1];
            acc[i][0] += x * b0;
            acc[i][1] += x * b1;
        }
    }
    if (nr == NR) {
        UNROLL
        for (int i = 0; i < mr; i++) {
            NAME(vec) *to = (NAME(vec) *)(c + i * cs), *next = (NAME(vec) *)(c + i * cs + VL);
            *to = first ? acc[i][0] : *to + acc[i][0];
            *next = first ? acc[i][1] : *next + acc[i][1];
        }
        return;
    }
    REAL row[NR];
#pragma GCC unroll 16
    for (int i = 0; i < mr; i++) {
        *(NAME(vec) *)row = acc[i][0];
        *(NAME(vec) *)(row + VL) = acc[i][1];
        for (idx j = 0; j < nr; j++) c[i * cs + j] = first ? row[j] : c[i * cs + j] + row[j];
    }
}
static void NAME(strip)(int mr, idx k, const REAL *a, idx as0, idx as1, const REAL *b, REAL *c,
                        idx cs, idx nr, int first) {
    switch (mr) {
#define CASE(n) case n: NAME(micro)(n, k, a, as0, as1, b, c, cs, nr, first); break;
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if MR == 12
        CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
#undef CASE
    }
}
/* to[p, j] = from[j, p] for rows p of NR numbers; columns from `columns` on become zero. */
#define TILE 16
INLINE void NAME(transpose)(idx rows, idx columns, const REAL *from, idx stride, REAL *to) {
    if (rows == TILE && columns == TILE) {
        for (idx p = 0; p < TILE; p++)
            for (idx j = 0; j < TILE; j++) to[p * NR + j] = from[j * stride + p];
        return;
    }
    idx width = MIN(TILE, NR);
    for (idx p = 0; p < rows; p++)
        for (idx j = 0; j < width; j++) to[p * NR + j] = j < columns ? from[j * stride + p] : 0;
}
/* Pack columns n0 to n1 (n0 a multiple of NR) of rows k0 to k0+kc into panels, padded with zeros.
   Rows of unit stride are read from end to end, as memory likes it; all panels grow at once. */
static void NAME(pack)(idx kc, idx n0, idx n1, const REAL *b, idx bs0, idx bs1, REAL *to) {
    idx whole = bs1 == 1 ? n0 + (n1 - n0) / NR * NR : n0;
    for (idx p = 0; p < kc; p++)
        for (idx n = n0; n < whole; n += NR) {
            REAL *at = to + (n - n0) * kc + p * NR;
            const NAME(vec) *from = (const NAME(vec) *)(b + p * bs0 + n);
            *(NAME(vec) *)at = from[0];
            *(NAME(vec) *)(at + VL) = from[1];
        }
    to += (whole - n0) * kc;
    for (idx n = whole; n < n1; n += NR, to += kc * NR) {
        idx nr = MIN(NR, n1 - n);
        if (bs1 == 1)
            for (idx p = 0; p < kc; p++) {
                memcpy(to + p * NR, b + p * bs0 + n, nr * sizeof(REAL));
                memset(to + p * NR + nr, 0, (NR - nr) * sizeof(REAL));
            }
        else if (bs0 == 1)
            for (idx j = 0; j < NR; j += TILE)
                for (idx p = 0; p < kc; p += TILE)
                    NAME(transpose)(MIN(TILE, kc - p), MIN(TILE, MAX(nr - j, 0)), b + p + (n + j) * bs1,
                                    bs1, to + p * NR + j);
        else
            for (idx p = 0; p < kc; p++)
                for (idx j = 0; j < NR; j++) to[p * NR + j] = j < nr ? b[p * bs0 + (n + j) * bs1] : 0;
    }
}
/* Rows m0 to m1 of C = A B with B packed whole, K deep. */
static void NAME(gemm_packed)(idx m0, idx m1, idx n, idx k, const REAL *a, idx as0, idx as1,
                              const REAL *b, REAL *c, idx cs) {
    idx rows = m1 - m0, strips = (rows + MR - 1) / MR;
    for (idx s = 0; s < strips; s++) {
        /* strips of nearly equal height: 32 rows are 11, 11, 10 and not 12, 12, 8 */
        idx lo = m0 + rows * s / strips, hi = m0 + rows * (s + 1) / strips;
        for (idx j = 0; j < n; j += NR)
            NAME(strip)((int)(hi - lo), k, a + lo * as0, as0, as1, b + j * k, c + lo * cs + j, cs,
                        MIN(NR, n - j), 1);
    }
}
/* y = x B for one row x. */
static void NAME(row)(idx n, idx k, const REAL *a, idx as1, const REAL *b, idx bs0, idx bs1, REAL *c) {
    if (bs1 == 1) {
        idx j = 0;
        for (; j + 4 * VL <= n; j += 4 * VL) {
            NAME(vec) s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
            for (idx p = 0; p < k; p++) {
                REAL x = a[p * as1];
                const REAL *at = b + p * bs0 + j;
                s0 += x * *(const NAME(vec) *)at;
                s1 += x * *(const NAME(vec) *)(at + VL);
                s2 += x * *(const NAME(vec) *)(at + 2 * VL);
                s3 += x * *(const NAME(vec) *)(at + 3 * VL);
            }
            *(NAME(vec) *)(c + j) = s0; *(NAME(vec) *)(c + j + VL) = s1;
            *(NAME(vec) *)(c + j + 2 * VL) = s2; *(NAME(vec) *)(c + j + 3 * VL) = s3;
        }
        for (; j + VL <= n; j += VL) {
            NAME(vec) s = {0};
            for (idx p = 0; p < k; p++) s += a[p * as1] * *(const NAME(vec) *)(b + p * bs0 + j);
            *(NAME(vec) *)(c + j) = s;
        }
        for (; j < n; j++) {
            REAL s = 0;
            for (idx p = 0; p < k; p++) s += a[p * as1] * b[p * bs0 + j];
            c[j] = s;
        }
        return;
    }
    for (idx j = 0; j < n; j++) {
        const REAL *col = b + j * bs1;
        NAME(vec) s0 = {0}, s1 = {0};
        REAL s = 0;
        idx p = 0;
        if (bs0 == 1 && as1 == 1)
            for (; p + 2 * VL <= k; p += 2 * VL) {
                s0 += *(const NAME(vec) *)(a + p) * *(const NAME(vec) *)(col + p);
                s1 += *(const NAME(vec) *)(a + p + VL) * *(const NAME(vec) *)(col + p + VL);
            }
        s0 += s1;
        for (int l = 0; l < VL; l++) s += s0[l];
        for (; p < k; p++) s += a[p * as1] * col[p * bs0];
        c[j] = s;
    }
}
/* C = A B, shared among nt threads; `scratch` holds KC * (n + NR) + KC * MR numbers a thread. */
static void NAME(gemm)(idx m, idx n, idx k, const REAL *a, idx as0, idx as1, const REAL *b, idx bs0,
                       idx bs1, REAL *c, idx cs, REAL *scratch, int tid, int nt) {
    idx m0 = 0, m1 = m, n0 = 0, n1 = n;
    if (n >= m) { n0 = part(n, NR, tid, nt); n1 = part(n, NR, tid + 1, nt); }
    else { m0 = part(m, MR, tid, nt); m1 = part(m, MR, tid + 1, nt); }
    if (m0 >= m1 || n0 >= n1) return;
    if (m == 1) { NAME(row)(n1 - n0, k, a, as1, b + n0 * bs1, bs0, bs1, c + n0); return; }
    REAL *panel = scratch + tid * (KC * (n + NR) + KC * MR), *packed = panel + KC * MR;
    idx rows = m1 - m0, strips = (rows + MR - 1) / MR;
    for (idx k0 = 0; k0 < k; k0 += KC) {
        idx kc = MIN(KC, k - k0);
        NAME(pack)(kc, n0, n1, b + k0 * bs0, bs0, bs1, packed);
        for (idx s = 0; s < strips; s++) {
            idx lo = m0 + rows * s / strips, mr = m0 + rows * (s + 1) / strips - lo;
            const REAL *from = a + lo * as0 + k0 * as1;
            idx s0 = as0, s1 = as1;
            if (as1 != 1 || n1 - n0 >= 6 * NR) {
                /* panels of MR rows; a fixed number is copied at once where all of them exist */
                if (as0 == 1 && lo + MR <= m)
                    for (idx p = 0; p < kc; p++) memcpy(panel + p * MR, from + p * as1, MR * sizeof(REAL));
                else
                    for (idx p = 0; p < kc; p++)
                        for (idx i = 0; i < mr; i++) panel[p * MR + i] = from[i * as0 + p * as1];
                from = panel; s0 = 1; s1 = MR;
            }
            for (idx j = n0; j < n1; j += NR)
                NAME(strip)((int)mr, kc, from, s0, s1, packed + (j - n0) * kc, c + lo * cs + j, cs,
                            MIN(NR, n1 - j), k0 == 0);
        }
    }
}
#undef VL
#undef NV
#undef NR
#undef KC
#undef TILE
