//! Growing a tree of few leaves: the node whose split helps most is split next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::grow::Grower;
use super::sort::Key;
use super::split::Cut;
use super::tree::Place;

/// A node that was made.
struct Bud {
    samples: Range<usize>,
    depth: u32,
    /// How it would be split; none if it cannot be.
    cut: Option<(u32, Cut)>,
    /// Left and right, once it is split.
    children: Option<[usize; 2]>,
}

impl<K: Key> Grower<'_, K> {
    /// Splits what gains most, the first made of equally good, until there are so many leaves or nothing is left to split.
    pub(super) fn best_first(&mut self, leaves: usize) {
        let mut buds = Vec::new();
        let mut waiting = BinaryHeap::new();
        self.push_bud(0..self.samples.len(), 0, &mut buds, &mut waiting);
        for _ in 1..leaves {
            let Some((_, Reverse(next))) = waiting.pop() else { break };
            let Bud { ref samples, depth, cut, .. } = buds[next];
            let Range { start, end } = *samples;
            let (feature, cut) = cut.expect("only what can be split waits");
            let middle = self.part(start, end, feature, cut.rank);
            let children = [start..middle, middle..end];
            let children = children.map(|samples| self.push_bud(samples, depth + 1, &mut buds, &mut waiting));
            buds[next].children = Some(children);
        }
        self.plant(&buds);
    }

    /// Makes a node, and has it wait if it can be split. Gains are not negative, so their bits are in their order.
    fn push_bud(
        &mut self,
        samples: Range<usize>,
        depth: u32,
        buds: &mut Vec<Bud>,
        waiting: &mut BinaryHeap<(u64, Reverse<usize>)>,
    ) -> usize {
        // What was constant in another part of the tree may differ here.
        self.constants.forget_beyond(self.constant_in_all);
        self.search.enter(&self.samples[samples.clone()]);
        let cut = self.choose(samples.clone(), depth);
        let number = buds.len();
        if let Some((_, cut)) = &cut {
            let gain = (cut.purity - self.search.classes.purity()).max(0.0);
            waiting.push((gain.to_bits(), Reverse(number)));
        }
        buds.push(Bud { samples, depth, cut, children: None });
        number
    }

    /// The buds as a tree, in the order of one that grew depth first.
    fn plant(&mut self, buds: &[Bud]) {
        let mut pending = vec![(0, Place::Root)];
        while let Some((number, place)) = pending.pop() {
            let bud = &buds[number];
            match (bud.children, bud.cut) {
                (Some([left, right]), Some((feature, cut))) => {
                    let split = self.push_split(place, feature, &cut);
                    pending.extend([(right, Place::Right(split)), (left, Place::Left(split))]);
                }
                _ => {
                    self.search.enter(&self.samples[bud.samples.clone()]);
                    self.push_leaf(place);
                }
            }
        }
    }
}
