/*
 * The tree by which what one rank, the root, has for all reaches them, and by which what all have
 * for it comes back summed. Ranks are counted on from the root: place p is the rank p after it,
 * place 0 its own. Place p hands on to the places p · arity + 1 … p · arity + arity, so that every
 * rank is the root of one tree and all trees are alike. With an arity of all other ranks the root
 * hands to each of them itself.
 */
#ifndef STRADS_SCHED_TREE_H
#define STRADS_SCHED_TREE_H

struct strads_tree {
	int ranks;
	int arity; /* at least 1 */
};

/* The place of a rank, and the rank at a place, of the tree with that root. */
static inline int
strads_tree_place(const struct strads_tree *tree, int root, int rank)
{
	return rank < root ? rank - root + tree->ranks : rank - root;
}

static inline int
strads_tree_rank(const struct strads_tree *tree, int root, int place)
{
	return root + place < tree->ranks ? root + place : root + place - tree->ranks;
}

/* The place above; the root's own for the root. */
static inline int
strads_tree_parent(const struct strads_tree *tree, int place)
{
	return place > 0 ? (place - 1) / tree->arity : 0;
}

/* The first of the places below, which follow each other, and how many there are. */
static inline int
strads_tree_first(const struct strads_tree *tree, int place)
{
	return place * tree->arity + 1;
}

static inline int
strads_tree_children(const struct strads_tree *tree, int place)
{
	int left = tree->ranks - strads_tree_first(tree, place);

	return left <= 0 ? 0 : left < tree->arity ? left : tree->arity;
}

/* The places that have others below them are 0 … so many − 1; at least 1. */
static inline int
strads_tree_inner(const struct strads_tree *tree)
{
	return tree->ranks > 2 ? (tree->ranks - 2) / tree->arity + 1 : 1;
}

#endif
