// Ids that do not depend on the folder of the checkout, so that a fresh build can be compared with the committed one.
module.exports = { optimization: { moduleIds: 'named', chunkIds: 'named' } };
