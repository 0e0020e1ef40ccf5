// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As much of Apple's Metal as runtime/metal uses, declared by hand from its
// public documentation.
#ifndef STUBS_METAL_H
#define STUBS_METAL_H

#import <Foundation/Foundation.h>

enum MTLGPUFamily : long { MTLGPUFamilyApple7 = 1007 };
enum MTLResourceOptions : NSUInteger { MTLResourceStorageModeShared = 0 };
enum MTLLanguageVersion : NSUInteger { MTLLanguageVersion2_4 = (2 << 16) + 4 };
enum MTLCommandBufferStatus : NSUInteger {
  MTLCommandBufferStatusNotEnqueued = 0,
  MTLCommandBufferStatusEnqueued = 1,
  MTLCommandBufferStatusError = 5
};

typedef struct {
  NSUInteger width, height, depth;
} MTLSize;
static inline MTLSize MTLSizeMake(NSUInteger width, NSUInteger height,
                                  NSUInteger depth) {
  return {width, height, depth};
}

@interface MTLCompileOptions : NSObject
@property(nonatomic) MTLLanguageVersion languageVersion;
@end

@protocol MTLBuffer <NSObject>
- (nullable void *)contents;
@property(readonly) NSUInteger length;
@end

@protocol MTLFunction <NSObject>
@end

@protocol MTLLibrary <NSObject>
- (nullable id<MTLFunction>)newFunctionWithName:(nonnull NSString *)name;
@end

@protocol MTLComputePipelineState <NSObject>
@property(readonly) NSUInteger maxTotalThreadsPerThreadgroup;
@property(readonly) NSUInteger staticThreadgroupMemoryLength;
@end

@protocol MTLComputeCommandEncoder <NSObject>
- (void)setComputePipelineState:(nonnull id<MTLComputePipelineState>)state;
- (void)setBuffer:(nullable id<MTLBuffer>)buffer
           offset:(NSUInteger)offset
          atIndex:(NSUInteger)index;
- (void)setBytes:(nonnull const void *)bytes
          length:(NSUInteger)length
         atIndex:(NSUInteger)index;
- (void)dispatchThreadgroups:(MTLSize)threadgroups
       threadsPerThreadgroup:(MTLSize)threads;
- (void)endEncoding;
@end

@protocol MTLBlitCommandEncoder <NSObject>
- (void)fillBuffer:(nonnull id<MTLBuffer>)buffer
             range:(NSRange)range
             value:(unsigned char)value;
- (void)endEncoding;
@end

@protocol MTLCommandBuffer <NSObject>
- (nullable id<MTLComputeCommandEncoder>)computeCommandEncoder;
- (nullable id<MTLBlitCommandEncoder>)blitCommandEncoder;
- (void)commit;
- (void)waitUntilCompleted;
@property(readonly) MTLCommandBufferStatus status;
@property(nullable, readonly) NSError *error;
@end

@protocol MTLDevice;
@protocol MTLCommandQueue <NSObject>
- (nullable id<MTLCommandBuffer>)commandBuffer;
@property(nonnull, readonly) id<MTLDevice> device;
@end

@protocol MTLDevice <NSObject>
@property(nonnull, readonly) NSString *name;
@property(readonly) MTLSize maxThreadsPerThreadgroup;
@property(readonly) NSUInteger maxThreadgroupMemoryLength;
@property(readonly) NSUInteger maxBufferLength;
- (BOOL)supportsFamily:(MTLGPUFamily)family;
- (nullable id<MTLCommandQueue>)newCommandQueue;
- (nullable id<MTLBuffer>)newBufferWithLength:(NSUInteger)length
                                      options:(MTLResourceOptions)options;
- (nullable id<MTLBuffer>)
    newBufferWithBytesNoCopy:(nonnull void *)pointer
                      length:(NSUInteger)length
                     options:(MTLResourceOptions)options
                 deallocator:(void (^_Nullable)(void *_Nonnull pointer,
                                                NSUInteger length))deallocator;
- (nullable id<MTLLibrary>)
    newLibraryWithSource:(nonnull NSString *)source
                 options:(nullable MTLCompileOptions *)options
                   error:(NSError *_Nullable *_Nullable)error;
- (nullable id<MTLComputePipelineState>)
    newComputePipelineStateWithFunction:(nonnull id<MTLFunction>)function
                                  error:(NSError *_Nullable *_Nullable)error;
@end

extern "C" id<MTLDevice> _Nullable MTLCreateSystemDefaultDevice(void);
extern "C" NSArray<id<MTLDevice>> *_Nonnull MTLCopyAllDevices(void);

#endif // STUBS_METAL_H
